//! Measures all rows in one run.
//!
//! All proxies run at once, and short slices of their requests take turns in random order. A slice is compared with the slice
//! without a filter of the same round, so that whatever else the machine does affects both alike. Proxies restart several times in a
//! run: two processes that do the same differ a little, for as long as they live.

use std::time::{Duration, Instant};

use fastrand::Rng;
use tempfile::TempDir;

use crate::caller::Caller;
use crate::error::BenchError;
use crate::filters::Modules;
use crate::load::{Load, STREAMS};
use crate::machine::{Contention, CpuTicks, Machine, waiting_share};
use crate::process::{Cpus, SchedulerTimes};
use crate::protocol::Protocol;
use crate::proxy::{Mesh, Proxy};
use crate::results::{Latency, MeasuredRow, RequestSamples, Results, Settings, Start};
use crate::rows::{Row, Sampling};
use crate::statistics::{percentile, relative_spread};

/// The number of slices before the first measured one: V8 compiles hot functions again.
const WARM_UP_SLICES: usize = 2;
/// A slice of a slow proxy has fewer requests, so that it takes about this long.
const SLICE_LIMIT: Duration = Duration::from_millis(400);
/// Latency is only measured if the proxy is busy for at most this share of the time: closer to saturation, it would be the latency
/// of a queue.
const MAX_LOAD: f64 = 0.6;

/// The latencies take at most this part of the time.
const LATENCY_SHARE: u32 = 5;

/// A run in progress.
struct Campaign {
    settings: Settings,
    load: Load,
    mesh: Mesh,
    random: Rng,
    proxies_times: SchedulerTimes,
    rows: Vec<MeasuredRow>,
    next_round: u32,
}

/// A proxy of this restart.
struct Running {
    proxy: Proxy,
    slice_requests: usize,
}

/// Measures these rows, the baseline first, within `limit`. Calls `progress` with a line for each step.
pub fn measure(
    rows: Vec<Row>,
    modules: Modules,
    settings: Settings,
    date: String,
    limit: Duration,
    mut progress: impl FnMut(&str),
) -> Result<Results, BenchError> {
    let folder = TempDir::with_prefix("peergate-bench-")?;
    let cpus = Cpus::choose()?;
    cpus.pin_load()?;
    let filter = modules.filter.clone();
    let module_bytes = filter.metadata().map_err(BenchError::file(&filter))?.len();
    let callers = rows.iter().map(|row| row.rules).max().unwrap_or_default();
    let settings = fitted(settings, rows.len(), limit);
    let restarts = settings.restarts;
    let mut campaign = Campaign {
        random: Rng::with_seed(settings.seed),
        settings,
        load: Load::start((0..callers).map(Caller::of_rule))?,
        mesh: Mesh::new(folder.path(), modules, cpus)?,
        proxies_times: SchedulerTimes::default(),
        rows: rows.into_iter().map(MeasuredRow::new).collect(),
        next_round: 0,
    };
    let start = Instant::now();
    let load_before = SchedulerTimes::of_process(std::process::id())?;
    let ticks_before = CpuTicks::now();
    for restart in 1..=restarts {
        progress(&format!(
            "starting {} proxies, {restart} of {}",
            campaign.rows.len(),
            restarts
        ));
        let end = start + limit * restart / restarts;
        campaign.measure_until(end, restart, &mut progress)?;
    }
    let load_times = SchedulerTimes::of_process(std::process::id())?.since(load_before);
    let mut results = Results {
        machine: Machine::describe(campaign.mesh.envoy_version(), date, module_bytes),
        settings: campaign.settings,
        contention: Contention {
            proxies_waiting: waiting_share(campaign.proxies_times),
            load_waiting: waiting_share(load_times),
            stolen: CpuTicks::now().stolen_since(ticks_before),
            baseline_spread: 0.0,
        },
        rows: campaign.rows,
    };
    results.contention.baseline_spread = baseline_spread(&results);
    Ok(results)
}

/// Shortens the latency measurements to their share of the time.
fn fitted(settings: Settings, rows: usize, limit: Duration) -> Settings {
    let measurements = rows * settings.protocols.len() * settings.restarts as usize;
    let measurements = u32::try_from(measurements).unwrap_or(u32::MAX).max(1);
    let share = (limit / LATENCY_SHARE / measurements).as_millis();
    let share = u64::try_from(share).unwrap_or(u64::MAX);
    Settings {
        latency_milliseconds: settings.latency_milliseconds.min(share),
        ..settings
    }
}

/// The larger of both HTTP versions.
fn baseline_spread(results: &Results) -> f64 {
    let samples = results.baseline().map(|row| row.requests.values());
    let spreads = samples.into_iter().flatten().filter_map(|samples| {
        let cpu: Vec<f64> = samples.cpu.iter().map(|(_, cpu)| *cpu).collect();
        relative_spread(&cpu)
    });
    spreads.fold(0.0, f64::max)
}

impl MeasuredRow {
    fn new(row: Row) -> Self {
        let requests = Protocol::ALL.map(|protocol| (protocol, RequestSamples::default()));
        Self {
            row,
            starts: Vec::new(),
            requests: requests.into(),
        }
    }
}

impl Campaign {
    /// Starts all proxies, and measures this restart's share of the rounds.
    fn measure_until(
        &mut self,
        end: Instant,
        restart: u32,
        progress: &mut impl FnMut(&str),
    ) -> Result<(), BenchError> {
        let mut running = self.start_all()?;
        let latency = Duration::from_millis(self.settings.latency_milliseconds);
        let measurements = running.len() * self.settings.protocols.len();
        let measurements = u32::try_from(measurements).unwrap_or(u32::MAX);
        let end_of_rounds = end.checked_sub(latency * measurements).unwrap_or(end);
        let last_round = self.settings.rounds * restart / self.settings.restarts;
        while self.next_round < last_round {
            self.round(&mut running)?;
            self.next_round += 1;
            progress(&format!(
                "round {} of {}",
                self.next_round, self.settings.rounds
            ));
            if Instant::now() >= end_of_rounds {
                progress("no time is left for more rounds");
                self.next_round = last_round;
            }
        }
        progress("latencies");
        self.latencies(&mut running)
    }

    fn start_all(&mut self) -> Result<Vec<Running>, BenchError> {
        let mut all = Vec::with_capacity(self.rows.len());
        for measured in &mut self.rows {
            let mut proxy = self.mesh.start(&measured.row, &self.load)?;
            let slice_requests = warm_up(&self.load, &mut proxy, self.settings.slice_requests)?;
            measured.starts.push(Start {
                ready_milliseconds: round_to(proxy.ready.as_secs_f64() * 1e3, 1),
                resident_kib: proxy.resident_kib()?,
            });
            all.push(Running {
                proxy,
                slice_requests,
            });
        }
        Ok(all)
    }

    /// One slice of each row that is due, for each HTTP version, in random order.
    fn round(&mut self, running: &mut [Running]) -> Result<(), BenchError> {
        let is_due = |row: &Row| match row.sampling {
            Sampling::EveryRound => true,
            Sampling::EveryThirdRound => self.next_round.is_multiple_of(3),
        };
        let due = self.rows.iter().enumerate();
        let due = due.filter(|(_, measured)| is_due(&measured.row));
        let due: Vec<usize> = due.map(|(position, _)| position).collect();
        for protocol in self.settings.protocols.clone() {
            let mut order = due.clone();
            self.random.shuffle(&mut order);
            for position in order {
                if let Some(running) = running.get_mut(position) {
                    let cpu = self.slice(running, protocol)?;
                    if let Some(measured) = self.rows.get_mut(position) {
                        let samples = measured.requests.entry(protocol).or_default();
                        samples.cpu.push((self.next_round, round_to(cpu, 3)));
                    }
                }
            }
        }
        Ok(())
    }

    /// The CPU time per request of one slice, in µs.
    #[expect(clippy::cast_precision_loss, reason = "slices are short")]
    fn slice(&mut self, running: &mut Running, protocol: Protocol) -> Result<f64, BenchError> {
        let Running {
            proxy,
            slice_requests,
        } = running;
        let before = proxy.times()?;
        let requests = self
            .load
            .send(proxy.connections(protocol), *slice_requests)?;
        let spent = proxy.times()?.since(before);
        self.proxies_times = self.proxies_times + spent;
        Ok(spent.running.as_secs_f64() * 1e6 / requests as f64)
    }

    fn latencies(&mut self, running: &mut [Running]) -> Result<(), BenchError> {
        let rate = self.settings.requests_per_second;
        let duration = Duration::from_millis(self.settings.latency_milliseconds);
        for (measured, Running { proxy, .. }) in self.rows.iter_mut().zip(running) {
            for protocol in self.settings.protocols.clone() {
                let Some(samples) = measured.requests.get_mut(&protocol) else {
                    continue;
                };
                let cpu = samples.cpu.last().map(|(_, cpu)| *cpu);
                let can_serve = |cpu: f64| cpu / 1e6 * f64::from(rate) <= MAX_LOAD;
                if duration.is_zero() || !cpu.is_some_and(can_serve) {
                    continue;
                }
                let latencies = self
                    .load
                    .latencies(proxy.connections(protocol), rate, duration)?;
                let latencies: Vec<f64> = latencies
                    .iter()
                    .map(|latency| latency.as_secs_f64() * 1e6)
                    .collect();
                let at = |percent| percentile(&latencies, percent);
                if let (Some(p50), Some(p99)) = (at(50.0), at(99.0)) {
                    samples.latencies.push(Latency {
                        p50: round_to(p50, 1),
                        p99: round_to(p99, 1),
                    });
                }
            }
        }
        Ok(())
    }
}

/// Sends slices that are not measured, and returns the number of requests of the others.
fn warm_up(load: &Load, proxy: &mut Proxy, slice_requests: usize) -> Result<usize, BenchError> {
    let start = Instant::now();
    load.send(proxy.connections(Protocol::Http1), STREAMS)?;
    let per_request = start.elapsed() / u32::try_from(STREAMS).unwrap_or(u32::MAX);
    let limit = SLICE_LIMIT.as_nanos() / per_request.as_nanos().max(1);
    let requests = usize::try_from(limit).unwrap_or(slice_requests);
    let requests = requests.clamp(STREAMS, slice_requests);
    for _ in 0..WARM_UP_SLICES {
        for protocol in Protocol::ALL {
            load.send(proxy.connections(protocol), requests)?;
        }
    }
    Ok(requests)
}

/// Raw data with no more digits than the measurement has.
fn round_to(value: f64, digits: i32) -> f64 {
    let unit = 10_f64.powi(digits);
    (value * unit).round() / unit
}
