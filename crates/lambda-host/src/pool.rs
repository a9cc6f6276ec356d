//! A function's execution environments: kept, given invocations, and shut down.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, futures::Notified},
    time::Instant,
};

use super::{
    environment::Environment,
    exchange::{Exchange, Invocation},
    listing::Listed,
};

/// How long the reaper sleeps at the longest, and at the least.
const LONGEST_SLEEP: Duration = Duration::from_hours(1);
const SHORTEST_SLEEP: Duration = Duration::from_millis(10);

/// Environments that have finished init.
#[derive(Default)]
pub(super) struct Pool {
    members: Mutex<Members>,
    /// Notified whenever a slot is taken or free.
    changed: Arc<Notify>,
}

#[derive(Default)]
struct Members {
    /// In the order of their last use, the latest at the end.
    all: Vec<Member>,
    /// Of environments that were taken out while their runtimes may still have a slot, until
    /// their processes have ended.
    leaving: Vec<Arc<Exchange>>,
    /// Environments in init.
    starting: usize,
    /// Counts [`Pool::retire`].
    generation: u64,
}

struct Member {
    environment: Arc<Environment>,
    /// It gets no further invocations: its program has been replaced.
    retired: bool,
}

/// Room for one more environment, until it is dropped.
pub(super) struct Room<'a> {
    pool: &'a Pool,
    generation: u64,
}

impl Pool {
    /// Hands an invocation to the environment used last, as its caches are warmest, of those
    /// whose runtime waits for one.
    ///
    /// # Errors
    ///
    /// No runtime waits: the invocation comes back.
    pub(super) fn hand_over(
        &self,
        mut invocation: Box<Invocation>,
    ) -> Result<Arc<Environment>, Box<Invocation>> {
        let mut members = self.lock();
        for index in (0..members.all.len()).rev() {
            if members.all[index].retired {
                continue;
            }
            match members.all[index].environment.hand_over(invocation) {
                Ok(()) => {
                    let member = members.all.remove(index);
                    let environment = member.environment.clone();
                    members.all.push(member);
                    return Ok(environment);
                }
                Err(back) => invocation = back,
            }
        }
        Err(invocation)
    }

    /// Whether a slot is about to be free.
    pub(super) fn is_expected(&self) -> bool {
        let members = self.lock();
        let mut all = members.all.iter();
        all.any(|member| member.environment.is_expected())
    }

    /// Whether an environment that was taken out may still have a slot.
    pub(super) fn is_leaving(&self) -> bool {
        let mut members = self.lock();
        members.leaving.retain(|exchange| !exchange.is_closed());
        !members.leaving.is_empty()
    }

    /// Wakes when a slot is taken or free, counted from this call.
    pub(super) fn changed(&self) -> Notified<'_> {
        self.changed.notified()
    }

    /// Notified when a slot is taken or free.
    pub(super) fn notify(&self) -> Arc<Notify> {
        self.changed.clone()
    }

    /// Room to start an environment, if there are fewer than `most`; with `one_by_one`, only
    /// while no other one starts.
    pub(super) fn room(&self, most: usize, one_by_one: bool) -> Option<Room<'_>> {
        let mut members = self.lock();
        members.forget_ended();
        let kept = members.all.iter().filter(|member| !member.retired).count();
        if kept + members.starting >= most || (one_by_one && members.starting > 0) {
            return None;
        }
        members.starting += 1;
        Some(Room {
            pool: self,
            generation: members.generation,
        })
    }

    /// Room to start an environment that will replace the others.
    pub(super) fn extra_room(&self) -> Room<'_> {
        let mut members = self.lock();
        members.starting += 1;
        Room {
            pool: self,
            generation: members.generation,
        }
    }

    /// Kills environments whose runtime has stopped asking for invocations.
    pub(super) fn kill_stalled(&self) {
        for member in &self.lock().all {
            if member.environment.exchange().is_stalled() {
                member.environment.kill();
            }
        }
    }

    /// Takes out the environments that have been idle for `longest`, and returns how long it
    /// takes at least until another one has been.
    pub(super) fn take_idle(&self, longest: Duration) -> (Vec<Arc<Environment>>, Duration) {
        let mut next = longest;
        let taken = self.take_where(|member| {
            let Some(since) = member.environment.exchange().idle_since() else {
                return false;
            };
            let idle = Instant::now().saturating_duration_since(since);
            let over = idle >= longest;
            if !over {
                next = next.min(longest.saturating_sub(idle));
            }
            over
        });
        (taken, next.clamp(SHORTEST_SLEEP, LONGEST_SLEEP))
    }

    /// Takes out the environments without an invocation. Each of the others gets no further ones,
    /// and is shut down when it has finished.
    pub(super) fn retire(self: &Arc<Self>) -> Vec<Arc<Environment>> {
        let idle = self.take_where(|member| !member.environment.exchange().has_invocation());
        let mut members = self.lock();
        members.leaving.retain(|exchange| !exchange.is_closed());
        let leaving = idle.iter().map(|environment| environment.shared_exchange());
        members.leaving.extend(leaving);
        members.generation += 1;
        for member in &mut members.all {
            if std::mem::replace(&mut member.retired, true) {
                continue;
            }
            let (pool, environment) = (self.clone(), member.environment.clone());
            tokio::spawn(async move {
                environment.exchange().idle().await;
                environment.shut_down().await;
                pool.remove(&environment);
            });
        }
        idle
    }

    /// The environments that run.
    pub(super) fn list(&self) -> Vec<Listed> {
        let mut members = self.lock();
        members.forget_ended();
        let environments = members.all.iter().map(|member| member.environment.clone());
        let environments: Vec<_> = environments.collect();
        drop(members);
        environments.iter().map(|one| one.listed()).collect()
    }

    /// How many environments have an invocation.
    pub(super) fn busy(&self) -> usize {
        let members = self.lock();
        let all = members.all.iter();
        all.filter(|member| member.environment.exchange().has_invocation())
            .count()
    }

    /// Kills the environment of this number, if there is one.
    pub(super) fn kill(&self, number: u64) -> bool {
        let mut members = self.lock();
        members.forget_ended();
        let mut all = members.all.iter();
        let found = all.find(|member| member.environment.number() == number);
        if let Some(member) = found {
            member.environment.kill();
        }
        found.is_some()
    }

    /// How many environments there are.
    pub(super) fn len(&self) -> usize {
        let mut members = self.lock();
        members.forget_ended();
        members.all.len()
    }

    fn remove(&self, environment: &Arc<Environment>) {
        let mut members = self.lock();
        members
            .all
            .retain(|member| !Arc::ptr_eq(&member.environment, environment));
    }

    fn take_where(&self, wanted: impl FnMut(&mut Member) -> bool) -> Vec<Arc<Environment>> {
        let mut members = self.lock();
        members.forget_ended();
        let taken: Vec<_> = members.all.extract_if(.., wanted).collect();
        taken.into_iter().map(|member| member.environment).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Members> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Members {
    fn forget_ended(&mut self) {
        self.all
            .retain(|member| !member.environment.exchange().is_closed());
    }
}

impl Room<'_> {
    /// Puts an environment into the pool, unless its program has been replaced since.
    pub(super) fn fill(self, environment: Environment) {
        let mut members = self.pool.lock();
        if members.generation == self.generation {
            members.all.push(Member {
                environment: Arc::new(environment),
                retired: false,
            });
        }
    }
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        self.pool.lock().starting -= 1;
        self.pool.changed.notify_waiters();
    }
}
