//! Contracts as the engine sees them: kind, settlement, liquidity, the venue's rules.

use crate::venue::rules::ContractRules;

/// A contract on one asset.
#[derive(Debug, Clone, PartialEq)]
pub struct ContractPlan {
    /// Name as written in the scenario, e.g. `eth-perp`.
    pub name: String,
    /// Index of the underlying in [`MarketPlan::assets`](crate::plan::types::MarketPlan::assets).
    pub underlying: usize,
    /// What kind of contract it is.
    pub kind: ContractKind,
    /// What its profit is paid in.
    pub settlement: ContractSettlement,
    /// Size of one contract: base units of a linear contract or an option, USD of an inverse one; `None`: any size can be traded.
    pub contract_size: Option<f64>,
    /// What a trade costs beside fee and [`Plan::execution_slippage_frac`](crate::plan::types::Plan::execution_slippage_frac).
    pub liquidity: LiquidityPlan,
    /// Venue's rules for this contract.
    pub rules: ContractRules,
}

impl ContractPlan {
    /// Basis and funding of a perpetual.
    pub fn perpetual(&self) -> Option<(&OuBasis, &FundingPlan)> {
        match &self.kind {
            ContractKind::Perpetual { basis, funding } => Some((basis, funding)),
            ContractKind::Dated(_) | ContractKind::Option(_) => None,
        }
    }

    /// The process of a perpetual's basis, or of a dated future's carry; `None` for an option.
    pub fn process(&self) -> Option<&OuBasis> {
        match &self.kind {
            ContractKind::Perpetual { basis, .. } => Some(basis),
            ContractKind::Dated(dated) => Some(&dated.carry),
            ContractKind::Option(_) => None,
        }
    }

    /// Funding; none but of a perpetual.
    pub fn funding(&self) -> FundingPlan {
        match self.kind {
            ContractKind::Perpetual { funding, .. } => funding,
            ContractKind::Dated(_) | ContractKind::Option(_) => FundingPlan::None,
        }
    }

    /// The process of a perpetual's basis or a future's carry, to change it.
    pub fn process_mut(&mut self) -> Option<&mut OuBasis> {
        match &mut self.kind {
            ContractKind::Perpetual { basis, .. } => Some(basis),
            ContractKind::Dated(dated) => Some(&mut dated.carry),
            ContractKind::Option(_) => None,
        }
    }

    /// A perpetual's funding, to change it.
    pub fn funding_mut(&mut self) -> Option<&mut FundingPlan> {
        match &mut self.kind {
            ContractKind::Perpetual { funding, .. } => Some(funding),
            ContractKind::Dated(_) | ContractKind::Option(_) => None,
        }
    }

    /// The dated future's terms, if it is one.
    pub fn dated(&self) -> Option<&DatedPlan> {
        match &self.kind {
            ContractKind::Dated(dated) => Some(dated),
            ContractKind::Perpetual { .. } | ContractKind::Option(_) => None,
        }
    }

    /// The dated future's terms, to change them.
    pub fn dated_mut(&mut self) -> Option<&mut DatedPlan> {
        match &mut self.kind {
            ContractKind::Dated(dated) => Some(dated),
            ContractKind::Perpetual { .. } | ContractKind::Option(_) => None,
        }
    }

    /// The option's terms, if it is one.
    pub fn option(&self) -> Option<&OptionPlan> {
        match &self.kind {
            ContractKind::Option(option) => Some(option),
            ContractKind::Perpetual { .. } | ContractKind::Dated(_) => None,
        }
    }

    /// `ln(F/S)` at time 0; 0 for an option.
    pub fn initial_basis(&self) -> f64 {
        match &self.kind {
            ContractKind::Perpetual { basis, .. } => basis.initial,
            ContractKind::Dated(dated) => dated.basis(dated.carry.initial, dated.expiries[0].years),
            ContractKind::Option(_) => 0.0,
        }
    }
}

/// The kinds of contracts.
#[derive(Debug, Clone, PartialEq)]
pub enum ContractKind {
    /// A perpetual: an Ornstein-Uhlenbeck basis, held there by funding.
    Perpetual {
        /// The basis `ln(F/S)`.
        basis: OuBasis,
        /// Its funding.
        funding: FundingPlan,
    },
    /// A dated future, or a chain of them that is rolled.
    Dated(DatedPlan),
    /// A European option.
    Option(OptionPlan),
}

/// What a contract's profit is paid in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContractSettlement {
    /// USD: a linear contract, or an option settled in USD.
    Linear,
    /// The coin of the underlying: an inverse future, or an option settled in coin.
    Inverse,
}

/// Dated futures on one curve: the first contract and those it is rolled into.
#[derive(Debug, Clone, PartialEq)]
pub struct DatedPlan {
    /// The carry `y`, per year.
    pub carry: OuBasis,
    /// What a year more to expiry adds to `y`, per year.
    pub slope_per_year: f64,
    /// The contracts in the order in which they are held, at least one; each but the last is left at its roll.
    pub expiries: Vec<Expiry>,
}

impl DatedPlan {
    /// The contract held at a time, in years, before anything that happens then; `None` after the last has expired.
    pub fn expiry_at(&self, years: f64) -> Option<&Expiry> {
        let last = self.expiries.len() - 1;
        let (rolled, last) = self.expiries.split_at(last);
        let is_held = |expiry: &&Expiry| {
            let share = expiry
                .roll_step
                .map_or(1.0, |roll| f64::from(roll) / f64::from(expiry.step));
            years <= expiry.years * share
        };
        rolled
            .iter()
            .find(is_held)
            .or_else(|| last.first().filter(|expiry| years <= expiry.years))
    }

    /// `ln(F/S)` at a carry and a time to expiry in years.
    pub fn basis(&self, carry: f64, years_left: f64) -> f64 {
        self.slope_per_year.mul_add(years_left, carry) * years_left
    }
}

/// One contract of a chain.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Expiry {
    /// Time from 0 to its expiry, years.
    pub years: f64,
    /// Step at whose end it expires, counted from 1; may lie beyond the horizon.
    pub step: u32,
    /// Step at whose end it is rolled into the next, below the horizon; `None`: never.
    pub roll_step: Option<u32>,
}

/// A European option on the spot.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OptionPlan {
    /// Call or put.
    pub kind: OptionKind,
    /// Strike, USD per base unit.
    pub strike_usd: f64,
    /// Step at whose end it expires, counted from 1; may lie beyond the horizon.
    pub expiry_step: u32,
    /// Time from 0 to its expiry, years.
    pub expiry_years: f64,
    /// Volatility at which it is bought and marked, per square root of a year.
    pub volatility_annual: f64,
    /// The venue's fees and margin rates for options.
    pub terms: OptionTerms,
}

/// Call or put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptionKind {
    /// The right to buy.
    Call,
    /// The right to sell.
    Put,
}

/// What a venue charges and asks for options, as fractions of the underlying's value unless said.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OptionTerms {
    /// Trading fee.
    pub fee_frac: f64,
    /// Largest fee, a fraction of the premium.
    pub fee_cap_frac: f64,
    /// Initial margin of a written option, less what it is out of the money.
    pub initial_frac: f64,
    /// Least initial margin of a written option.
    pub initial_floor_frac: f64,
    /// Maintenance margin of a written option.
    pub maintenance_frac: f64,
}

/// Cost of a trade beyond the fee and the scenario's slippage.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LiquidityPlan {
    /// Half the spread between bid and ask, a fraction of notional.
    pub half_spread_frac: f64,
    /// Square-root impact; `None`: no impact.
    pub impact: Option<ImpactPlan>,
}

impl LiquidityPlan {
    /// No spread and no impact.
    pub const FREE: Self = Self {
        half_spread_frac: 0.0,
        impact: None,
    };
}

/// Mean cost `2/3 Y sigma_d sqrt(N / V)` of a trade of notional `N`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ImpactPlan {
    /// `Y`, about 1.
    pub coefficient: f64,
    /// `V`, USD traded a day.
    pub daily_volume_usd: f64,
    /// `sigma_d`, the underlying's standard deviation in a day.
    pub daily_volatility: f64,
}

/// Ornstein-Uhlenbeck basis `b = ln(F/S)`: `db = k (mean - b) dt + volatility dW`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OuBasis {
    /// Long-run mean.
    pub mean: f64,
    /// Value at time 0.
    pub initial: f64,
    /// Volatility per square root of a year.
    pub volatility_annual: f64,
    /// Reversion speed `k` per year; 0 makes the basis a Brownian motion.
    pub reversion_per_year: f64,
    /// Correlation of `dW` with the underlying's Brownian motion.
    pub correlation_with_spot: f64,
}

impl OuBasis {
    /// A basis that is 0 and stays there.
    pub const NONE: Self = Self {
        mean: 0.0,
        initial: 0.0,
        volatility_annual: 0.0,
        reversion_per_year: 0.0,
        correlation_with_spot: 0.0,
    };
}

/// Funding of a perpetual. Stamps fall at multiples of the interval from time 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum FundingPlan {
    /// No funding at all (also a constant rate of 0).
    None,
    /// The same rate at every stamp.
    Constant {
        /// Rate of one 8-hour stamp, a fraction of mark notional; positive: longs pay shorts.
        rate_per_8h: f64,
        /// Steps between stamps.
        interval_steps: u32,
    },
    /// `P + clamp(I - P, -damper, +damper)` per 8 h, capped, times `interval_hours / 8`; `P` is the interval's average basis.
    PremiumFormula {
        /// Interest term `I` per 8 h.
        interest_per_8h: f64,
        /// Half-width of the clamp per 8 h.
        damper_per_8h: f64,
        /// Largest absolute rate per 8 h; infinite if uncapped.
        cap_per_8h: f64,
        /// Hours between stamps.
        interval_hours: f64,
        /// Steps between stamps.
        interval_steps: u32,
    },
}
