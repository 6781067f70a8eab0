//! What is on the screen, pixel by pixel.

use std::{collections::BTreeMap, fs, path::Path};
use x11rb::{
    CURRENT_TIME,
    connection::Connection as _,
    protocol::xproto::{ConnectionExt as _, GrabMode, GrabStatus, ImageFormat},
    rust_connection::RustConnection,
};

/// A colour.
pub type Rgb = [u8; 3];

/// The colours by which the tray's icon is known on the screen.
pub mod icon {
    use super::Rgb;

    /// Connecting.
    pub const GREY: Rgb = [128, 134, 146];
    /// Ready.
    pub const GREEN: Rgb = [28, 150, 72];
    /// A call rings.
    pub const ORANGE: Rgb = [240, 122, 0];
    /// In a call.
    pub const BLUE: Rgb = [22, 108, 214];
    /// Calls were missed.
    pub const VIOLET: Rgb = [122, 70, 196];
    /// Not registered, and only the user can help.
    pub const RED: Rgb = [206, 32, 41];
}

/// A part of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Area {
    /// Left edge.
    pub x: i32,
    /// Upper edge.
    pub y: i32,
    /// Width, pixels.
    pub width: i32,
    /// Height, pixels.
    pub height: i32,
}

impl Area {
    /// The whole screen.
    pub const ALL: Self = Self { x: 0, y: 0, width: i32::MAX, height: i32::MAX };
    /// Where the panel is.
    pub const PANEL: Self = Self { x: 0, y: 0, width: i32::MAX, height: 32 };
    /// Everything below the panel.
    pub const DESK: Self = Self { x: 0, y: 34, width: i32::MAX, height: i32::MAX };

    /// A point by fractions of width and height.
    pub fn at(&self, x: f64, y: f64) -> (i32, i32) {
        (self.x + (f64::from(self.width) * x) as i32, self.y + (f64::from(self.height) * y) as i32)
    }

    fn holds(&self, x: i32, y: i32) -> bool {
        x >= self.x
            && y >= self.y
            && x < self.x.saturating_add(self.width)
            && y < self.y.saturating_add(self.height)
    }
}

/// Pixels of one colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// How many.
    pub count: usize,
    /// Their middle.
    pub middle: (i32, i32),
}

/// A picture of the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Screenshot {
    width: usize,
    height: usize,
    rgb: Vec<u8>,
}

impl Screenshot {
    /// Reads a binary PPM file.
    pub fn read(path: &Path) -> Result<Self, String> {
        let bytes = fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?;
        let mut at = 0;
        let mut word = || {
            while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
                at += 1;
            }
            let start = at;
            while bytes.get(at).is_some_and(|byte| !byte.is_ascii_whitespace()) {
                at += 1;
            }
            String::from_utf8_lossy(&bytes[start..at]).into_owned()
        };
        let (magic, width, height, depth) = (word(), word().parse(), word().parse(), word());
        let (Ok(width), Ok(height), "P6", "255") = (width, height, magic.as_str(), depth.as_str()) else {
            return Err(format!("{} is not a picture of 8 bits a colour", path.display()));
        };
        let rgb = bytes.get(at + 1..).unwrap_or_default().to_vec();
        Ok(Self { width, height, rgb })
    }

    /// The colour of one pixel.
    pub fn pixel(&self, x: i32, y: i32) -> Option<Rgb> {
        let (x, y) = (usize::try_from(x).ok()?, usize::try_from(y).ok()?);
        let at = (x < self.width && y < self.height).then_some((y * self.width + x) * 3)?;
        self.rgb.get(at..at + 3)?.try_into().ok()
    }

    /// The pixels of a colour (each part may be off by 6) in an area.
    pub fn find(&self, colour: Rgb, area: Area) -> Option<Found> {
        let (mut count, mut x_sum, mut y_sum) = (0usize, 0usize, 0usize);
        for (index, pixel) in self.rgb.chunks_exact(3).enumerate() {
            let (x, y) = (index % self.width, index / self.width);
            let near = pixel.iter().zip(colour).all(|(a, b)| a.abs_diff(b) <= 6);
            if near && area.holds(x as i32, y as i32) {
                count += 1;
                x_sum += x;
                y_sum += y;
            }
        }
        (count > 0).then(|| Found { count, middle: ((x_sum / count) as i32, (y_sum / count) as i32) })
    }

    /// The middles of the lines of text in an area of one background, from top to bottom. Separators and frames are
    /// thinner than any text, and the dots over a letter nearer to it than another line.
    pub fn text_lines(&self, area: Area) -> Vec<i32> {
        let edge = 8;
        let across = (area.x + edge)..(area.x + area.width - edge);
        let background = self.background(area);
        let inked =
            |y: i32| across.clone().any(|x| self.pixel(x, y).is_some_and(|pixel| Some(pixel) != background));
        let mut bands: Vec<(i32, i32)> = Vec::new();
        for y in (area.y..area.y + area.height).filter(|y| inked(*y)) {
            match bands.last_mut() {
                Some((_, last)) if y - *last <= 3 => *last = y,
                _ => bands.push((y, y)),
            }
        }
        bands
            .into_iter()
            .filter(|(first, last)| last - first >= 5)
            .map(|(first, last)| (first + last) / 2)
            .collect()
    }

    /// The middles of a toast's buttons, from left to right: what is not background on the line just below their words.
    pub fn buttons(&self, area: Area) -> Vec<(i32, i32)> {
        let background = self.background(area);
        let y = area.y + area.height - 20;
        let mut runs: Vec<(i32, i32)> = Vec::new();
        let across = area.x + 4..area.x + area.width - 4;
        for x in across.filter(|x| self.pixel(*x, y).is_some_and(|pixel| Some(pixel) != background)) {
            match runs.last_mut() {
                Some((_, last)) if x - *last == 1 => *last = x,
                _ => runs.push((x, x)),
            }
        }
        let wide = runs.into_iter().filter(|(first, last)| last - first > 40);
        wide.map(|(first, last)| ((first + last) / 2, y - 10)).collect()
    }

    /// The colour that most of an area has.
    fn background(&self, area: Area) -> Option<Rgb> {
        let mut counts: BTreeMap<Rgb, usize> = BTreeMap::new();
        for y in area.y..area.y.saturating_add(area.height).min(self.height as i32) {
            for x in area.x..area.x.saturating_add(area.width).min(self.width as i32) {
                *counts.entry(self.pixel(x, y)?).or_default() += 1;
            }
        }
        counts.into_iter().max_by_key(|(_, count)| *count).map(|(colour, _)| colour)
    }

    /// How many pixels of an area differ from another picture.
    pub fn differing(&self, other: &Self, area: Area) -> usize {
        let pixels = self.rgb.chunks_exact(3).zip(other.rgb.chunks_exact(3)).enumerate();
        pixels
            .filter(|(index, (a, b))| {
                a != b && area.holds((index % self.width) as i32, (index / self.width) as i32)
            })
            .count()
    }
}

/// Whether a program holds an active grab of the keyboard: the server refuses a second one.
pub(super) fn keyboard_is_grabbed(display: &str) -> Result<bool, String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let (x, screen) = RustConnection::connect(Some(display)).map_err(|e| text(&e))?;
    let root = x.setup().roots[screen].root;
    let asked = x.grab_keyboard(false, root, CURRENT_TIME, GrabMode::ASYNC, GrabMode::ASYNC);
    let status = asked.map_err(|e| text(&e))?.reply().map_err(|e| text(&e))?.status;
    // One that was given to us is given back, and that is done before anything else happens.
    x.ungrab_keyboard(CURRENT_TIME).map_err(|e| text(&e))?.check().map_err(|e| text(&e))?;
    Ok(status == GrabStatus::ALREADY_GRABBED)
}

/// The pixels of an area as the server has them.
pub(super) fn pixels(display: &str, area: Area) -> Result<Vec<u8>, String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let (x, screen) = RustConnection::connect(Some(display)).map_err(|e| text(&e))?;
    let root = &x.setup().roots[screen];
    let place = |at: i32| i16::try_from(at).map_err(|e| text(&e));
    // The server refuses an area that reaches beyond its screen.
    let size =
        |at: i32, size: i32, whole: u16| u16::try_from(size.min(i32::from(whole) - at)).map_err(|e| text(&e));
    let (width, height) =
        (size(area.x, area.width, root.width_in_pixels)?, size(area.y, area.height, root.height_in_pixels)?);
    let (left, top) = (place(area.x)?, place(area.y)?);
    let asked = x.get_image(ImageFormat::Z_PIXMAP, root.root, left, top, width, height, u32::MAX);
    Ok(asked.map_err(|e| text(&e))?.reply().map_err(|e| text(&e))?.data)
}

/// Whether any key is down, or a modifier or a lock is on, as the server sees it.
pub(super) fn keys_down(display: &str) -> Result<bool, String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let (x, screen) = RustConnection::connect(Some(display)).map_err(|e| text(&e))?;
    let root = x.setup().roots[screen].root;
    let state = x.query_pointer(root).map_err(|e| text(&e))?.reply().map_err(|e| text(&e))?;
    let keys = x.query_keymap().map_err(|e| text(&e))?.reply().map_err(|e| text(&e))?;
    Ok(u16::from(state.mask) & 0xff != 0 || keys.keys.iter().any(|eight| *eight != 0))
}
