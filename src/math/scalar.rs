//! The functions of [`crate::math::vector`] for numbers outside lane loops: with fused multiply-adds where the processor has them,
//! and the same bits.

use multiversion::multiversion;

use crate::math::vector;

/// [`vector::exp`].
#[multiversion(targets("x86_64+avx2+fma"))]
pub fn exp(x: f64) -> f64 {
    vector::exp(x)
}

/// [`vector::ln`].
#[multiversion(targets("x86_64+avx2+fma"))]
pub fn ln(x: f64) -> f64 {
    vector::ln(x)
}
