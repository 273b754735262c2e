//! An estimate with its standard error and 95 % interval.

use serde::Serialize;

/// The 97.5 % point of the standard normal distribution, half-width of a 95 % interval in standard errors.
pub const Z95: f64 = 1.959_963_984_540_054;

/// A value with its standard error and two-sided 95 % interval, all in the value's unit; `None` where undefined.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Estimate {
    /// The estimate.
    pub value: Option<f64>,
    /// Its standard error.
    pub std_error: Option<f64>,
    /// Lower and upper end of its 95 % interval.
    pub ci95: Option<[f64; 2]>,
}

impl Estimate {
    /// Nothing can be said, as of a conditional mean without an event.
    pub const UNDEFINED: Self = Self {
        value: None,
        std_error: None,
        ci95: None,
    };

    /// A value known without error, as the probability of what cannot happen.
    pub fn exact(value: f64) -> Self {
        Self {
            value: Some(value),
            std_error: Some(0.0),
            ci95: Some([value, value]),
        }
    }

    /// A value with normal errors. What is not finite becomes undefined.
    pub fn normal(value: f64, std_error: f64) -> Self {
        if !value.is_finite() {
            return Self::UNDEFINED;
        }
        if !std_error.is_finite() {
            return Self {
                value: Some(value),
                std_error: None,
                ci95: None,
            };
        }
        let half_width = Z95 * std_error;
        Self {
            value: Some(value),
            std_error: Some(std_error),
            ci95: Some([value - half_width, value + half_width]),
        }
    }

    /// A value with an interval that needs no standard error; the standard error is read from the interval's width.
    pub fn within(value: f64, ci95: Option<[f64; 2]>) -> Self {
        let std_error = ci95.map(|[lower, upper]| (upper - lower) / (2.0 * Z95));
        Self {
            value: Some(value),
            std_error,
            ci95,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn undefined_parts_become_null() {
        let text = serde_json::to_string(&Estimate::normal(2.0, f64::NAN)).unwrap();
        assert_eq!(text, r#"{"value":2.0,"std_error":null,"ci95":null}"#);
        assert_eq!(Estimate::normal(f64::NAN, 1.0), Estimate::UNDEFINED);
    }

    #[test]
    fn standard_error_and_interval_agree_both_ways() {
        let normal = Estimate::normal(10.0, 2.0);
        let within = Estimate::within(10.0, normal.ci95);
        assert!((within.std_error.unwrap() - 2.0).abs() < 1e-14);
    }
}
