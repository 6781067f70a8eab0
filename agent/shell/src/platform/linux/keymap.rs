//! Which keycodes and modifier bits stand for what, as the X server has them now.

use crate::chord::Modifiers;
use x11rb::{
    connection::Connection as _,
    errors::ReplyError,
    protocol::xproto::{ConnectionExt as _, GetKeyboardMappingReply, GetModifierMappingReply},
    rust_connection::RustConnection,
};

const NUM_LOCK: u32 = 0xff7f;
const SCROLL_LOCK: u32 = 0xff14;
const ALT: [u32; 2] = [0xffe9, 0xffea];
const META: [u32; 2] = [0xffe7, 0xffe8];
const SUPER: [u32; 2] = [0xffeb, 0xffec];

const SHIFT_MASK: u16 = 1;
const LOCK_MASK: u16 = 1 << 1;
const CONTROL_MASK: u16 = 1 << 2;
const MOD1_MASK: u16 = 1 << 3;
const MOD4_MASK: u16 = 1 << 6;

/// One state of the keyboard's layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Keymap {
    first: u8,
    per_code: usize,
    keysyms: Vec<u32>,
    alt: u16,
    meta: u16,
    num_lock: u16,
    scroll_lock: u16,
    /// Every modifier that is a state of the keyboard and no wish of the user.
    pub(super) locks: u16,
}

impl Keymap {
    pub(super) fn read(x: &RustConnection) -> Result<Self, ReplyError> {
        let (first, last) = (x.setup().min_keycode, x.setup().max_keycode);
        let keys = x.get_keyboard_mapping(first, last.saturating_sub(first).saturating_add(1))?;
        let modifiers = x.get_modifier_mapping()?;
        Ok(Self::new(first, keys.reply()?, &modifiers.reply()?))
    }

    fn new(first: u8, keys: GetKeyboardMappingReply, modifiers: &GetModifierMappingReply) -> Self {
        let mut map = Self {
            first,
            per_code: usize::from(keys.keysyms_per_keycode).max(1),
            keysyms: keys.keysyms,
            alt: MOD1_MASK,
            meta: MOD4_MASK,
            num_lock: 0,
            scroll_lock: 0,
            locks: LOCK_MASK,
        };
        let per_modifier = (modifiers.keycodes.len() / 8).max(1);
        let bit_of = |map: &Self, wanted: &[u32]| {
            let rows = modifiers.keycodes.chunks(per_modifier).enumerate();
            let mut fitting = rows.filter(|(_, codes)| {
                codes.iter().any(|code| *code != 0 && map.row(*code).iter().any(|sym| wanted.contains(sym)))
            });
            fitting.next().map(|(bit, _)| 1u16 << bit)
        };
        map.alt = bit_of(&map, &ALT).or_else(|| bit_of(&map, &META)).unwrap_or(MOD1_MASK);
        map.meta = bit_of(&map, &SUPER).unwrap_or(MOD4_MASK);
        map.num_lock = bit_of(&map, &[NUM_LOCK]).unwrap_or(0);
        map.scroll_lock = bit_of(&map, &[SCROLL_LOCK]).unwrap_or(0);
        map.locks |= map.num_lock | map.scroll_lock;
        map
    }

    fn row(&self, code: u8) -> &[u32] {
        let at = usize::from(code.saturating_sub(self.first)) * self.per_code;
        self.keysyms.get(at..at + self.per_code).unwrap_or_default()
    }

    /// The keys that give this keysym: without Shift if there are such, else with it or in another group.
    pub(super) fn codes(&self, keysym: u32) -> Vec<u8> {
        let rows = || self.keysyms.chunks(self.per_code).zip(self.first..=u8::MAX);
        let plain: Vec<u8> =
            rows().filter(|(row, _)| row.first() == Some(&keysym)).map(|(_, code)| code).collect();
        if !plain.is_empty() {
            return plain;
        }
        rows().filter(|(row, _)| row.contains(&keysym)).map(|(_, code)| code).take(1).collect()
    }

    pub(super) fn modifiers(&self, wanted: Modifiers) -> u16 {
        let bits = [
            (wanted.shift, SHIFT_MASK),
            (wanted.ctrl, CONTROL_MASK),
            (wanted.alt, self.alt),
            (wanted.meta, self.meta),
        ];
        bits.iter().filter(|(on, _)| *on).fold(0, |all, (_, bit)| all | bit)
    }

    /// Every combination of Caps Lock, Num Lock and Scroll Lock.
    pub(super) fn lock_states(&self) -> Vec<u16> {
        let mut states = vec![0];
        for lock in [LOCK_MASK, self.num_lock, self.scroll_lock] {
            if lock != 0 {
                states.extend(states.clone().iter().map(|state| state | lock));
            }
        }
        states.sort_unstable();
        states.dedup();
        states
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Four keys: `a A`, Num Lock, Alt, and a Cyrillic key whose second group is `d`.
    fn map() -> Keymap {
        let keys = GetKeyboardMappingReply {
            keysyms_per_keycode: 4,
            sequence: 0,
            keysyms: vec![
                0x61, 0x41, 0, 0, //
                NUM_LOCK, 0, 0, 0, //
                ALT[0], META[0], 0, 0, //
                0x6d7, 0x6f7, 0x64, 0x44,
            ],
        };
        let mut keycodes = vec![0; 16];
        keycodes[3 * 2] = 10;
        keycodes[4 * 2] = 9;
        Keymap::new(8, keys, &GetModifierMappingReply { sequence: 0, length: 0, keycodes })
    }

    #[test]
    fn keys_are_found_in_every_group() {
        let map = map();
        assert_eq!(map.codes(0x61), [8]);
        assert_eq!(map.codes(0x64), [11]);
        assert_eq!(map.codes(0x7a), [] as [u8; 0]);
    }

    #[test]
    fn locks_are_not_part_of_a_hotkey() {
        let map = map();
        assert_eq!((map.num_lock, map.alt, map.scroll_lock), (1 << 4, 1 << 3, 0));
        assert_eq!(map.lock_states(), [0, 2, 16, 18]);
        let wanted = Modifiers { ctrl: true, alt: true, ..Modifiers::default() };
        assert_eq!(map.modifiers(wanted), 4 | 8);
    }
}
