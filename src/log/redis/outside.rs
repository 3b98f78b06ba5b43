//! The outside view: what other programs see of a stream, and the buyers' index.

use std::collections::BTreeMap;

use anyhow::anyhow;
use redis::Value;

use super::super::{AppendError, OutsideView, ReadError, StreamId};
use super::pages::{PageId, string, text};
use super::reading::fields;
use super::shared::Core;
use super::{names, scripts};

impl Core {
    pub(super) async fn show_outside(
        &self,
        stream: StreamId,
        view: OutsideView,
    ) -> Result<(), AppendError> {
        self.index(&stream, &view).await.map_err(AppendError::Unavailable)?;
        let meta = names::meta(&stream);
        let (seats, orders) = (names::seats(&stream), names::orders(&stream));
        // There are no orders before the first, and a script with a key that is not there yet is refused
        // while its slot moves: only the first orders of all wait for that.
        let keys = [&meta[..], &seats, &orders];
        let keys = if view.orders.is_empty() { &keys[..2] } else { &keys };
        let mut show = scripts::call(&scripts::SHOW, keys);
        show.arg(view.position.epoch).arg(view.position.seq).arg(&view.available[..]);
        show.arg(view.orders_up_to);
        for order in &view.orders {
            show.arg(&order.id).arg(&order.json[..]);
        }
        let mut commands = redis::pipe();
        commands.add_command(show);
        // Where replicas are waited for this is shown only when they have it: a failover that loses
        // nothing of the log would be no reason to show it again.
        let told = self.write(&meta, commands).await;
        match &told.map_err(AppendError::Unavailable)?[..] {
            [Value::Int(1)] => Ok(()),
            [Value::Int(0)] => Err(AppendError::Forked),
            other => Err(AppendError::Unavailable(anyhow!("the answer {other:?} is none"))),
        }
    }

    /// Puts each order into its buyer's set, before it counts as shown: at least once.
    async fn index(&self, stream: &StreamId, view: &OutsideView) -> anyhow::Result<()> {
        let is_spread = self.map.is_cluster();
        let mut by_slot: BTreeMap<u16, (String, redis::Pipeline)> = BTreeMap::new();
        for order in &view.orders {
            let buyer = names::buyer(&order.buyer);
            // Where one server has all slots it is asked once.
            let slot = if is_spread { names::slot(&buyer) } else { 0 };
            let (_, commands) =
                by_slot.entry(slot).or_insert_with(|| (buyer.clone(), redis::pipe()));
            commands.cmd("SADD").arg(buyer).arg(format!("{}/{}", stream.as_str(), order.id));
        }
        for (buyer, commands) in by_slot.into_values() {
            self.write(&buyer, commands).await?;
        }
        Ok(())
    }

    pub(super) async fn shown_outside(&self, stream: StreamId) -> Result<Option<u64>, ReadError> {
        let mut commands = redis::pipe();
        commands.cmd("HMGET").arg(names::meta(&stream)).arg(&["last", "orders_shown"]);
        let told = self.read(&stream, commands).await.map_err(ReadError::Unavailable)?;
        let [last, shown] = fields(told.into_iter().next());
        let last = last.and_then(string).and_then(|last| PageId::parse(&last));
        let last = last.ok_or(ReadError::NoSuchStream)?;
        let shown = shown.and_then(text).and_then(|shown| shown.parse::<u64>().ok());
        // What was shown of a history that was lost is to be shown again.
        Ok(Some(shown.unwrap_or(0).min(last.last)))
    }

    /// The secret of this name, if one is kept.
    pub(super) async fn kept(&self, name: &str) -> Result<Option<String>, ReadError> {
        let key = names::kept(name);
        let mut commands = redis::pipe();
        commands.cmd("GET").arg(&key);
        let told = self.map.ask(names::slot(&key), &commands).await;
        Ok(told.map_err(ReadError::Unavailable)?.into_iter().next().and_then(text))
    }

    /// The secret of this name: the one that is kept, or `made` if there was none.
    pub(super) async fn keep(&self, name: &str, made: &str) -> Result<String, ReadError> {
        let kept = self.keep_or_replace(name, "", made).await?;
        kept.ok_or_else(|| ReadError::Unavailable(anyhow!("nothing was kept")))
    }

    /// Puts `new` where `old` is kept; answers whether `new` is kept now.
    pub(super) async fn keep_instead(
        &self,
        name: &str,
        old: &str,
        new: &str,
    ) -> Result<bool, ReadError> {
        Ok(self.keep_or_replace(name, old, new).await?.as_deref() == Some(new))
    }

    async fn keep_or_replace(
        &self,
        name: &str,
        old: &str,
        new: &str,
    ) -> Result<Option<String>, ReadError> {
        let key = names::kept(name);
        let mut keep = scripts::call(&scripts::KEEP, &[&key]);
        keep.arg(new).arg(old);
        let mut commands = redis::pipe();
        commands.add_command(keep);
        let told = self.write(&key, commands).await.map_err(ReadError::Unavailable)?;
        Ok(told.into_iter().next().and_then(text))
    }
}
