//! Sums the blocks of all workers by route when somebody scrapes.

use std::collections::BTreeMap;

use prometheus::core::{Collector, Desc};
use prometheus::proto::{Metric, MetricFamily};

use super::block::{RouteTraffic, SIZE_BOUNDS, SIZE_BUCKETS, Sizes};
use super::pings::{PingTotals, RTT_BOUNDS};
use super::{Block, Workers};
use crate::labels::{Direction, FrameKind, MessageKind, Protocol, Side};
use crate::metrics::family::{self, Family, float};

/// Nanoseconds a second.
const NANOS: f64 = 1e9;

pub(super) struct TrafficCollector {
    workers: Workers,
    sessions: Family,
    frames: Family,
    messages: Family,
    message_bytes: Family,
    bytes: Family,
    backpressure: Family,
    buffered: Family,
    ping_rtt: Family,
    pings: Family,
}

impl TrafficCollector {
    pub(super) fn new(workers: Workers) -> prometheus::Result<Self> {
        let direction = ["route", "direction"];
        let message = ["route", "direction", "kind"];
        Ok(Self {
            workers,
            sessions: Family::gauge(
                "switchyard_sessions",
                "Sessions that are open now.",
                &["route", "protocol"],
            )?,
            frames: Family::counter(
                "switchyard_frames_total",
                "WebSocket frames from the peers, by opcode.",
                &["route", "direction", "opcode"],
            )?,
            messages: Family::counter(
                "switchyard_messages_total",
                "Whole messages from the peers, fragments counted as one.",
                &message,
            )?,
            message_bytes: Family::histogram(
                "switchyard_message_bytes",
                "Payload of messages as it was on the wire, compressed or not, in bytes.",
                &message,
            )?,
            bytes: Family::counter(
                "switchyard_bytes_total",
                "Bytes read from the peers of sessions, frame headers included.",
                &direction,
            )?,
            backpressure: Family::counter(
                "switchyard_backpressure_seconds_total",
                "Time for which a direction was not read because its peer was too slow, in \
                 seconds, counted when it ends.",
                &direction,
            )?,
            buffered: Family::gauge(
                "switchyard_buffered_bytes",
                "Bytes kept because the peer that they go to has not taken them.",
                &direction,
            )?,
            ping_rtt: Family::histogram(
                "switchyard_ping_rtt_seconds",
                "Time from a Ping of the gateway's own to its Pong, in seconds.",
                &["route", "side"],
            )?,
            pings: Family::counter(
                "switchyard_pings_total",
                "Pings of the gateway's own, by result: answered, or no sign of life in time.",
                &["route", "side", "result"],
            )?,
        })
    }

    fn families(&self) -> [&Family; 9] {
        [
            &self.sessions,
            &self.frames,
            &self.messages,
            &self.message_bytes,
            &self.bytes,
            &self.backpressure,
            &self.buffered,
            &self.ping_rtt,
            &self.pings,
        ]
    }

    fn totals(&self) -> BTreeMap<String, Totals> {
        let mut totals: BTreeMap<String, Totals> = BTreeMap::new();
        self.workers.visit(|block| {
            let of_route = totals.entry(block.route.to_string()).or_default();
            of_route.add(block);
        });
        totals
    }

    fn series(&self, route: &str, totals: &Totals) -> Series {
        let mut series = Series::default();
        for (protocol, sessions) in &totals.sessions {
            let (labels, sessions) = ([route, protocol.as_str()], float(*sessions));
            let sessions = self.sessions.labelled(&labels, family::gauge(sessions));
            series.sessions.push(sessions);
        }
        for (from, totals) in Direction::ALL.into_iter().zip(&totals.directions) {
            self.direction(route, from.as_str(), totals, &mut series);
        }
        for (side, totals) in Side::ALL.into_iter().zip(&totals.pings) {
            // Most routes have none.
            if totals.are_there() {
                self.side(route, side.as_str(), totals, &mut series);
            }
        }
        series
    }

    fn side(&self, route: &str, side: &str, totals: &PingTotals, to: &mut Series) {
        let histogram = family::histogram(&RTT_BOUNDS, &totals.counts, float(totals.nanos) / NANOS);
        to.ping_rtt
            .push(self.ping_rtt.labelled(&[route, side], histogram));
        for (result, count) in [
            ("answered", totals.answered()),
            ("timeout", totals.timeouts),
        ] {
            let pings = family::counter(float(count));
            to.pings
                .push(self.pings.labelled(&[route, side, result], pings));
        }
    }

    fn direction(&self, route: &str, from: &str, totals: &DirectionTotals, to: &mut Series) {
        for (kind, count) in FrameKind::ALL.into_iter().zip(totals.frames) {
            let frames = family::counter(float(count));
            to.frames
                .push(self.frames.labelled(&[route, from, kind.as_str()], frames));
        }
        for (kind, sizes) in MessageKind::ALL.into_iter().zip(&totals.messages) {
            let labels = [route, from, kind.as_str()];
            let count = family::counter(float(sizes.counts.iter().sum()));
            let histogram = family::histogram(&SIZE_BOUNDS, &sizes.counts, float(sizes.sum));
            to.messages.push(self.messages.labelled(&labels, count));
            to.message_bytes
                .push(self.message_bytes.labelled(&labels, histogram));
        }
        let labels = [route, from];
        let backpressure = family::counter(float(totals.backpressure_nanos) / NANOS);
        to.bytes.push(
            self.bytes
                .labelled(&labels, family::counter(float(totals.bytes))),
        );
        to.backpressure
            .push(self.backpressure.labelled(&labels, backpressure));
        to.buffered.push(
            self.buffered
                .labelled(&labels, family::gauge(float(totals.buffered))),
        );
    }
}

impl Collector for TrafficCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.families().into_iter().map(Family::desc).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let mut all = Series::default();
        for (route, totals) in self.totals() {
            all.append(self.series(&route, &totals));
        }
        self.families()
            .into_iter()
            .zip(all.into_array())
            .map(|(f, s)| f.with(s))
            .collect()
    }
}

/// The series of each family, in the order of [`TrafficCollector::families`].
#[derive(Default)]
struct Series {
    sessions: Vec<Metric>,
    frames: Vec<Metric>,
    messages: Vec<Metric>,
    message_bytes: Vec<Metric>,
    bytes: Vec<Metric>,
    backpressure: Vec<Metric>,
    buffered: Vec<Metric>,
    ping_rtt: Vec<Metric>,
    pings: Vec<Metric>,
}

impl Series {
    fn append(&mut self, other: Self) {
        self.sessions.extend(other.sessions);
        self.frames.extend(other.frames);
        self.messages.extend(other.messages);
        self.message_bytes.extend(other.message_bytes);
        self.bytes.extend(other.bytes);
        self.backpressure.extend(other.backpressure);
        self.buffered.extend(other.buffered);
        self.ping_rtt.extend(other.ping_rtt);
        self.pings.extend(other.pings);
    }

    fn into_array(self) -> [Vec<Metric>; 9] {
        [
            self.sessions,
            self.frames,
            self.messages,
            self.message_bytes,
            self.bytes,
            self.backpressure,
            self.buffered,
            self.ping_rtt,
            self.pings,
        ]
    }
}

/// The sum over workers for one route. Gauges are sums too: a worker's share may wrap, not the sum.
#[derive(Default)]
struct Totals {
    /// Of the protocols that there have been.
    sessions: BTreeMap<Protocol, u64>,
    directions: [DirectionTotals; 2],
    pings: [PingTotals; 2],
}

impl Totals {
    fn add(&mut self, block: &Block) {
        let traffic = &*block.traffic;
        let sessions = self.sessions.entry(block.protocol).or_default();
        *sessions = sessions.wrapping_add(traffic.sessions());
        for (from, totals) in Direction::ALL.into_iter().zip(&mut self.directions) {
            totals.add(traffic, from);
        }
        for (side, totals) in Side::ALL.into_iter().zip(&mut self.pings) {
            totals.add(traffic.pings(side));
        }
    }
}

#[derive(Default)]
struct DirectionTotals {
    frames: [u64; 6],
    messages: [SizeTotals; 2],
    bytes: u64,
    backpressure_nanos: u64,
    buffered: u64,
}

impl DirectionTotals {
    fn add(&mut self, traffic: &RouteTraffic, from: Direction) {
        let block = traffic.direction(from);
        for (kind, total) in FrameKind::ALL.into_iter().zip(&mut self.frames) {
            *total = total.wrapping_add(block.frames(kind).get());
        }
        for (kind, total) in MessageKind::ALL.into_iter().zip(&mut self.messages) {
            total.add(block.messages(kind));
        }
        self.bytes = self.bytes.wrapping_add(block.bytes.get());
        let nanos = block.backpressure_nanos.get();
        self.backpressure_nanos = self.backpressure_nanos.wrapping_add(nanos);
        self.buffered = self.buffered.wrapping_add(block.buffered.get());
    }
}

#[derive(Default)]
struct SizeTotals {
    counts: [u64; SIZE_BUCKETS],
    sum: u64,
}

impl SizeTotals {
    fn add(&mut self, sizes: &Sizes) {
        for (total, count) in self.counts.iter_mut().zip(sizes.counts()) {
            *total = total.wrapping_add(count);
        }
        self.sum = self.sum.wrapping_add(sizes.sum());
    }
}
