//! `GET /metrics`: what the house does, in the text form Prometheus reads.
//!
//! Nothing is counted here: the rooms count for themselves, and are read when asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, NoLabelSet, text};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};

use crate::box_office::Histogram;

use super::House;
use super::problem::Problem;
use super::shows::NOT_KEPT;

/// `GET /metrics`.
pub(super) async fn metrics(State(house): State<Arc<House>>) -> Result<Response, Problem> {
    let mut registry = Registry::with_prefix("usher");
    registry.register_collector(Box::new(Reading { house }));
    let mut body = String::new();
    text::encode(&mut body, &registry)
        .map_err(|error| Problem::failed("the metrics could not be written", &error))?;
    let form = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([NOT_KEPT, (CONTENT_TYPE, form)], body).into_response())
}

struct Reading {
    house: Arc<House>,
}

impl std::fmt::Debug for Reading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reading")
    }
}

impl Collector for Reading {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        self.box_office(&mut encoder)?;
        self.appends(&mut encoder)?;
        self.hub(&mut encoder)?;
        self.condition(&mut encoder)?;
        self.connections(&mut encoder)
    }
}

impl Reading {
    fn box_office(&self, encoder: &mut DescriptorEncoder<'_>) -> std::fmt::Result {
        let counters = self.house.offices.counters();
        let shows = self.house.offices.all().len() as u64;
        gauge(encoder, "shows_open", "Shows open on this node.", shows)?;
        let counts: [(&str, &str, &AtomicU64); 15] = [
            ("holds", "Holds granted.", &counters.holds),
            ("releases", "Holds given back by their buyers.", &counters.releases),
            ("lapses", "Holds that lapsed.", &counters.lapses),
            ("sales", "Orders made.", &counters.sales),
            ("admission_numbers", "Numbers of waiting rooms taken.", &counters.numbers),
            ("admission_called", "Numbers called.", &counters.called),
            ("admission_passes", "Passes given.", &counters.admitted),
            ("waitlist_joins", "Tickets taken for the waitlist.", &counters.joins),
            ("waitlist_offers", "Offers made to those who wait.", &counters.offers),
            (
                "waitlist_closed",
                "Tickets closed, but by an accepted offer.",
                &counters.tickets_closed,
            ),
            ("entries_void", "Entries whose guard was false.", &counters.voids),
            ("appends_unanswered", "Appends the log did not answer.", &counters.unavailable),
            ("forks", "Times a show's history was lost.", &counters.forks),
            ("orders_lost", "Orders known here that the log has lost.", &counters.lost_orders),
            ("holds_lost", "Holds known here that the log has lost.", &counters.lost_holds),
        ];
        for (name, help, count) in counts {
            counter(encoder, name, help, count.load(Ordering::Relaxed))?;
        }
        Ok(())
    }

    fn appends(&self, encoder: &mut DescriptorEncoder<'_>) -> std::fmt::Result {
        let counters = self.house.offices.counters();
        let help = "How many entries went into an append.";
        histogram(encoder, "append_entries", help, None, &counters.append_entries, 1.0)?;
        let help = "How long an append took.";
        let us_per_second = 1e6;
        histogram(encoder, "append", help, Some(&Unit::Seconds), &counters.append_us, us_per_second)
    }

    fn hub(&self, encoder: &mut DescriptorEncoder<'_>) -> std::fmt::Result {
        let totals = self.house.hub.totals();
        gauge(encoder, "sockets", "Sockets open now.", totals.sockets as u64)?;
        gauge(encoder, "slow_viewers", "Sockets with something unsent now.", totals.slow as u64)?;
        let counts = [
            ("frames", "Seat frames sent.", totals.frames),
            ("snapshots", "Seat frames sent that were snapshots.", totals.snapshots),
            ("messages", "Other messages sent on sockets.", totals.messages),
            ("sent_bytes", "Bytes sent on sockets.", totals.bytes),
            ("fan_out_rounds", "Rounds of fan-out.", totals.rounds),
            ("catch_ups", "Frames that merged what a slow viewer missed.", totals.catch_ups),
        ];
        for (name, help, count) in counts {
            counter(encoder, name, help, count)?;
        }
        let mut closes =
            encoder.encode_descriptor("closes", "Sockets closed, by close code.", None, COUNTER)?;
        for (code, count) in totals.closes {
            let labels = [("code", code.to_string())];
            ConstCounter::new(count).encode(closes.encode_family(&labels)?)?;
        }
        Ok(())
    }

    fn condition(&self, encoder: &mut DescriptorEncoder<'_>) -> std::fmt::Result {
        let condition = &self.house.condition;
        let help = "How far the machine's clock is ahead of the log's, in milliseconds.";
        let offset = ConstGauge::new(condition.clock_offset_ms());
        offset.encode(encoder.encode_descriptor("clock_offset_ms", help, None, GAUGE)?)?;
        let help = "1 while acknowledgements survive less than was asked for.";
        let is_weaker = u64::from(condition.durability_weaker());
        gauge(encoder, "durability_weaker", help, is_weaker)?;
        let help =
            "1 while changes are refused because the log does not answer, of one show at least.";
        gauge(encoder, "log_is_away", help, u64::from(self.house.offices.log_is_away()))?;
        let help = "How long the log did not answer, in all.";
        let away = ConstCounter::new(condition.log_away().as_secs_f64());
        away.encode(encoder.encode_descriptor("log_away", help, Some(&Unit::Seconds), COUNTER)?)
    }

    fn connections(&self, encoder: &mut DescriptorEncoder<'_>) -> std::fmt::Result {
        let places = u64::from(self.house.door.places_taken());
        gauge(encoder, "places_taken", "Sockets and long polls that have a place.", places)?;
        let mut refusals =
            encoder.encode_descriptor("refusals", "Refusals said, by reason.", None, COUNTER)?;
        for (reason, count) in self.house.doorkeeper.refusals() {
            let labels = [("reason", reason)];
            ConstCounter::new(count).encode(refusals.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

const GAUGE: prometheus_client::metrics::MetricType = prometheus_client::metrics::MetricType::Gauge;

const COUNTER: prometheus_client::metrics::MetricType =
    prometheus_client::metrics::MetricType::Counter;

fn counter(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    value: u64,
) -> std::fmt::Result {
    let metric = ConstCounter::new(value);
    metric.encode(encoder.encode_descriptor(name, help, None, metric.metric_type())?)
}

fn gauge(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    value: u64,
) -> std::fmt::Result {
    // Far below where an i64 ends: none of these counts more than sockets.
    let metric = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
    metric.encode(encoder.encode_descriptor(name, help, None, metric.metric_type())?)
}

/// `per_unit` of the values make one of the metric's unit.
fn histogram<const BOUNDS: usize>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    unit: Option<&Unit>,
    values: &Histogram<BOUNDS>,
    per_unit: f64,
) -> std::fmt::Result {
    let mut buckets = Vec::with_capacity(BOUNDS + 1);
    let mut so_far = 0;
    for (bound, cumulative) in values.cumulative() {
        buckets.push((bound as f64 / per_unit, cumulative - so_far));
        so_far = cumulative;
    }
    // Read after the buckets, so it may be ahead of them, never behind.
    let count = values.count().max(so_far);
    buckets.push((f64::INFINITY, count - so_far));
    let kind = prometheus_client::metrics::MetricType::Histogram;
    let mut metric = encoder.encode_descriptor(name, help, unit, kind)?;
    metric.encode_histogram::<NoLabelSet>(values.sum() as f64 / per_unit, count, &buckets, None)
}
