//! What is on the screen, pixel by pixel.

use std::{fs, path::Path};
use x11rb::{
    connection::Connection as _, protocol::xproto::ConnectionExt as _, rust_connection::RustConnection,
};

/// A colour.
pub type Rgb = [u8; 3];

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

/// Whether a modifier or a lock is down, as the server sees it.
pub(super) fn modifiers(display: &str) -> Result<bool, String> {
    let (x, screen) = RustConnection::connect(Some(display)).map_err(|e| e.to_string())?;
    let root = x.setup().roots[screen].root;
    let state = x.query_pointer(root).map_err(|e| e.to_string())?.reply().map_err(|e| e.to_string())?;
    Ok(u16::from(state.mask) & 0xff != 0)
}
