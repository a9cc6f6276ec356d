//! What goes wrong on purpose: a [`FaultPlan`] in force, and what it does to each
//! call.

mod plan;
mod text;

pub use plan::{Fault, FaultPlan, FaultRule, PlanError};

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use rand::{Rng, SeedableRng, rngs::StdRng};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::status::{Code, Status};

/// What happens to one call.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decision {
    /// How much later than otherwise.
    pub delay: Duration,
    /// And then.
    pub verdict: Verdict,
}

/// See [`Decision`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Verdict {
    /// It is answered as always.
    #[default]
    Answer,
    /// It is refused.
    Refuse(Status),
    /// It is never answered.
    BlackHole,
    /// Its connection is closed, with every other call that is on it.
    DropConnection,
}

/// A rule in force, and what it has done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuleStatus {
    /// The rule.
    pub rule: FaultRule,
    /// Calls that it applied to.
    pub seen: u64,
    /// Calls that it did something to.
    pub hit: u64,
}

/// The plan in force; it can be changed at any time.
#[derive(Debug, Default)]
pub struct Faults {
    /// Whether there are rules: without any, no call waits for the lock.
    active: AtomicBool,
    /// Whether the transport keeps connections from being dropped.
    keeps_connections: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    seed: u64,
    rules: Vec<Rule>,
}

#[derive(Debug)]
struct Rule {
    status: RuleStatus,
    random: StdRng,
    /// What a rate limit has left, and since when.
    tokens: f64,
    filled: Instant,
}

impl Faults {
    /// Puts `plan` in force instead of the one that was, and counts from zero.
    ///
    /// # Errors
    ///
    /// The plan cannot be carried out; the one that was stays.
    pub fn set(&self, plan: impl Into<FaultPlan>) -> Result<(), PlanError> {
        let plan = plan.into();
        plan.check()?;
        let drops = |rule: &FaultRule| rule.fault == Fault::DropConnection;
        if self.keeps_connections.load(Relaxed) && plan.rules.iter().any(drops) {
            return Err(PlanError::CannotDrop);
        }
        let mut state = self.lock();
        self.active.store(!plan.rules.is_empty(), Relaxed);
        *state = State::of(plan);
        Ok(())
    }

    /// Nothing goes wrong any more.
    pub fn clear(&self) {
        let mut state = self.lock();
        self.active.store(false, Relaxed);
        *state = State::default();
    }

    /// The plan in force.
    #[must_use]
    pub fn plan(&self) -> FaultPlan {
        let state = self.lock();
        let rules = state.rules.iter().map(|rule| rule.status.rule.clone());
        FaultPlan {
            seed: state.seed,
            rules: rules.collect(),
        }
    }

    /// Each rule of the plan in force, and what it has done.
    #[must_use]
    pub fn status(&self) -> Vec<RuleStatus> {
        let state = self.lock();
        state.rules.iter().map(|rule| rule.status.clone()).collect()
    }

    /// From now on a plan that drops connections is refused: the transport cannot.
    #[cfg(feature = "stub")]
    pub(crate) fn keep_connections(&self) {
        self.keeps_connections.store(true, Relaxed);
    }

    /// What happens to the next call, which has this name (such as `Get`) and
    /// goes to this cache.
    ///
    /// Every rule that applies is asked, in order: delays add up, and the first
    /// other fault ends it.
    #[must_use]
    pub fn decide(&self, call: &str, cache: &str) -> Decision {
        let mut decision = Decision::default();
        if !self.active.load(Relaxed) {
            return decision;
        }
        for rule in &mut self.lock().rules {
            if !rule.fires(call) {
                continue;
            }
            if let Some(delay) = rule.status.rule.fault.delay(&mut rule.random) {
                decision.delay += delay;
                continue;
            }
            decision.verdict = rule.status.rule.fault.verdict(cache);
            break;
        }
        decision
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn of(plan: FaultPlan) -> Self {
        let rules = plan.rules.into_iter().zip(0..).map(|(rule, nth)| Rule {
            // Each rule has its own numbers, so that one more rule changes nothing
            // for the others.
            random: StdRng::seed_from_u64(plan.seed.wrapping_add(nth)),
            tokens: match rule.fault {
                Fault::RateLimit { per_second } if per_second > 0.0 => per_second.max(1.0),
                _ => 0.0,
            },
            filled: Instant::now(),
            status: RuleStatus {
                rule,
                seen: 0,
                hit: 0,
            },
        });
        Self {
            seed: plan.seed,
            rules: rules.collect(),
        }
    }
}

impl Rule {
    /// Whether the rule does something to this call; then it is counted.
    fn fires(&mut self, call: &str) -> bool {
        let RuleStatus { rule, seen, hit } = &mut self.status;
        let applies = rule.calls.is_empty() || rule.calls.iter().any(|named| named == call);
        if !applies || rule.count.is_some_and(|count| *hit >= count) {
            return false;
        }
        *seen += 1;
        // Drawn for every call, so that the nth call's fate is the nth number's.
        let drawn: f64 = self.random.random();
        if rule
            .probability
            .is_some_and(|probability| drawn >= probability)
        {
            return false;
        }
        if let Fault::RateLimit { per_second } = rule.fault {
            let now = Instant::now();
            let earned = (now - self.filled).as_secs_f64() * per_second;
            // What is not used is lost after a second; less than one call a
            // second is still one call at times.
            self.tokens = (self.tokens + earned).min(per_second.max(1.0));
            self.filled = now;
            if self.tokens >= 1.0 {
                self.tokens -= 1.0;
                return false;
            }
        }
        *hit += 1;
        true
    }
}

impl Fault {
    fn delay(&self, random: &mut StdRng) -> Option<Duration> {
        let milliseconds = match *self {
            Self::Latency { ms } => ms,
            Self::LatencyUniform { min_ms, max_ms } => {
                min_ms + (max_ms - min_ms) * random.random::<f64>()
            }
            Self::LatencyLognormal { p50_ms, p99_ms } => {
                // The 99th percentile of a standard normal distribution.
                const Z99: f64 = 2.326_347_874;
                let sigma = (p99_ms / p50_ms).ln() / Z99;
                p50_ms * (sigma * standard_normal(random)).exp()
            }
            _ => return None,
        };
        Some(Duration::try_from_secs_f64(milliseconds / 1000.0).unwrap_or(Duration::MAX))
    }

    fn verdict(&self, cache: &str) -> Verdict {
        let refused = match self {
            Self::Error { code, message } => {
                let message = message.clone();
                Status::new(
                    *code,
                    message.unwrap_or_else(|| format!("a fault: {}", code.name())),
                )
            }
            Self::RateLimit { .. } => Status::limit(
                "operations_rate_limit_exceeded",
                "operations per second limit exceeded",
            ),
            Self::AuthFailure => Status::new(Code::Unauthenticated, "the API key is not known"),
            Self::CacheMissing => Status::no_cache(cache),
            Self::BlackHole => return Verdict::BlackHole,
            Self::DropConnection => return Verdict::DropConnection,
            Self::Latency { .. } | Self::LatencyUniform { .. } | Self::LatencyLognormal { .. } => {
                return Verdict::Answer;
            }
        };
        Verdict::Refuse(refused)
    }
}

/// One number of the standard normal distribution (Box and Muller).
fn standard_normal(random: &mut StdRng) -> f64 {
    // Never zero, whose logarithm is infinite.
    let radius = (-2.0 * (1.0 - random.random::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * random.random::<f64>()).cos()
}

#[cfg(test)]
mod tests {
    use super::{Decision, Fault, FaultPlan, FaultRule, Faults, PlanError, Verdict};
    use crate::status::Code;
    use std::time::Duration;
    use tokio::time::advance;

    fn faults(seed: u64, rules: &[&str]) -> Faults {
        let rules = rules.iter().map(|rule| rule.parse().unwrap());
        let faults = Faults::default();
        let plan = FaultPlan {
            seed,
            rules: rules.collect(),
        };
        faults.set(plan).unwrap();
        faults
    }

    fn refused(decision: &Decision) -> Option<Code> {
        match &decision.verdict {
            Verdict::Refuse(status) => Some(status.code),
            _ => None,
        }
    }

    #[tokio::test]
    async fn a_rule_is_for_its_calls_and_as_often_as_it_says() {
        let faults = faults(0, &["error=UNAVAILABLE,call=Get,count=2"]);
        let calls = ["Set", "Get", "Get", "Get"].map(|call| refused(&faults.decide(call, "c")));
        let unavailable = Some(Code::Unavailable);
        assert_eq!(calls, [None, unavailable, unavailable, None]);
        let status = &faults.status()[0];
        assert_eq!((status.seen, status.hit), (2, 2));
        faults.clear();
        assert_eq!(faults.plan(), FaultPlan::default());
    }

    #[tokio::test]
    async fn a_seed_decides_everything_that_is_left_to_chance() {
        let run = |seed| {
            let rules = ["error=INTERNAL,probability=0.3", "latency=1ms..9ms"];
            let faults = faults(seed, &rules);
            (0..1000)
                .map(|_| faults.decide("Get", "c"))
                .collect::<Vec<_>>()
        };
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
        let hit = run(7).iter().filter(|d| refused(d).is_some()).count();
        assert!((250..350).contains(&hit), "{hit} of 1000");
    }

    #[tokio::test]
    async fn a_distribution_has_the_percentiles_that_it_is_named_for() {
        let faults = faults(1, &["latency=p50:2ms/p99:50ms"]);
        let mut delays: Vec<_> = (0..10_000)
            .map(|_| faults.decide("Get", "c").delay.as_secs_f64() * 1000.0)
            .collect();
        delays.sort_by(f64::total_cmp);
        assert!((1.8..2.2).contains(&delays[5000]), "{}", delays[5000]);
        assert!((40.0..62.0).contains(&delays[9900]), "{}", delays[9900]);
    }

    #[tokio::test]
    async fn delays_add_up_and_the_first_other_fault_ends_it() {
        let faults = faults(0, &["latency=20ms", "latency=5ms", "auth", "cache-missing"]);
        let decision = faults.decide("Get", "c");
        assert_eq!(decision.delay, Duration::from_millis(25));
        assert_eq!(refused(&decision), Some(Code::Unauthenticated));
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_limit_lets_so_many_calls_a_second_through() {
        let faults = faults(0, &["rate-limit=3"]);
        let through = || {
            let calls = (0..10).map(|_| faults.decide("Get", "c"));
            calls.filter(|d| d.verdict == Verdict::Answer).count()
        };
        assert_eq!(through(), 3);
        assert_eq!(through(), 0);
        advance(Duration::from_secs(1)).await;
        assert_eq!(through(), 3);
        advance(Duration::from_hours(1)).await;
        assert_eq!(through(), 3);
    }

    #[tokio::test]
    async fn a_plan_that_cannot_be_carried_out_changes_nothing() {
        let faults = faults(0, &["auth"]);
        faults.keep_connections();
        assert_eq!(
            faults.set(Fault::DropConnection).unwrap_err(),
            PlanError::CannotDrop
        );
        let unlikely = FaultRule::from(Fault::BlackHole).probability(1.5);
        assert!(matches!(
            faults.set(unlikely).unwrap_err(),
            PlanError::Rule { .. }
        ));
        assert_eq!(faults.plan().rules[0].fault, Fault::AuthFailure);
    }
}
