//! The pictures of the tray, drawn from distances to shapes: sharp at every size, told apart by colour and by outline.

use agent_core::view::TrayIcon;

/// A picture: `size` x `size` pixels, four bytes each in the order R, G, B, A; alpha is not multiplied in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Width and height, pixels.
    pub size: u32,
    /// The pixels, row by row from the top.
    pub rgba: Vec<u8>,
}

/// Draws the picture of a state. Six states, six colours and six outlines: a dashed ring (connecting), a disc (ready),
/// a square with waves (ringing), a bubble (in call), a disc with a badge (missed), an octagon struck through (error).
pub fn draw(icon: TrayIcon, size: u32) -> Picture {
    let size = size.clamp(8, 512);
    let scene = scene(icon);
    let unit = 2.0 / size as f32;
    let mut rgba = Vec::with_capacity((size * size * 4) as usize);
    for row in 0..size {
        for column in 0..size {
            let p = Point { x: (column as f32 + 0.5) * unit - 1.0, y: (row as f32 + 0.5) * unit - 1.0 };
            rgba.extend(pixel(&scene, p, unit));
        }
    }
    Picture { size, rgba }
}

/// Lays the scene's layers over each other at one point.
fn pixel(scene: &[Layer], p: Point, unit: f32) -> [u8; 4] {
    let (mut color, mut alpha) = ([0.0f32; 3], 0.0f32);
    for layer in scene {
        let cover = (0.5 - (layer.shape)(p) / unit).clamp(0.0, 1.0);
        match layer.paint {
            Some(paint) => {
                let out = cover + alpha * (1.0 - cover);
                if out > 0.0 {
                    for (under, over) in color.iter_mut().zip(paint) {
                        *under = (f32::from(over) * cover + *under * alpha * (1.0 - cover)) / out;
                    }
                }
                alpha = out;
            }
            None => alpha *= 1.0 - cover,
        }
    }
    [color[0].round() as u8, color[1].round() as u8, color[2].round() as u8, (alpha * 255.0).round() as u8]
}

#[derive(Clone, Copy)]
struct Point {
    x: f32,
    y: f32,
}

/// A shape is its signed distance: negative inside.
type Shape = Box<dyn Fn(Point) -> f32>;

struct Layer {
    shape: Shape,
    /// `None` cuts a hole.
    paint: Option<[u8; 3]>,
}

const WHITE: [u8; 3] = [255, 255, 255];
const GREY: [u8; 3] = [128, 134, 146];
const GREEN: [u8; 3] = [28, 150, 72];
const ORANGE: [u8; 3] = [240, 122, 0];
const BLUE: [u8; 3] = [22, 108, 214];
const VIOLET: [u8; 3] = [122, 70, 196];
const RED: [u8; 3] = [206, 32, 41];

fn scene(icon: TrayIcon) -> Vec<Layer> {
    let fill = |paint: [u8; 3], shape: Shape| Layer { shape, paint: Some(paint) };
    let cut = |shape: Shape| Layer { shape, paint: None };
    match icon {
        TrayIcon::Connecting => {
            vec![fill(GREY, Box::new(dashed_ring)), fill(GREY, Box::new(|p| handset(p, 0.0, 0.0, 0.70)))]
        }
        TrayIcon::Ready => vec![
            fill(GREEN, Box::new(|p| disc(p, 0.0, 0.0, 0.97))),
            fill(WHITE, Box::new(|p| handset(p, 0.0, 0.0, 0.78))),
        ],
        TrayIcon::Ringing => vec![
            fill(ORANGE, Box::new(|p| rounded_box(p, 0.94, 0.28))),
            fill(WHITE, Box::new(|p| handset(p, -0.16, 0.16, 0.74))),
            fill(WHITE, Box::new(|p| wave(p, 0.52, 0.085))),
            fill(WHITE, Box::new(|p| wave(p, 0.86, 0.085))),
        ],
        TrayIcon::InCall => {
            vec![fill(BLUE, Box::new(bubble)), fill(WHITE, Box::new(|p| handset(p, 0.0, -0.14, 0.70)))]
        }
        TrayIcon::Missed => vec![
            fill(VIOLET, Box::new(|p| disc(p, -0.1, 0.1, 0.87))),
            fill(WHITE, Box::new(|p| handset(p, -0.14, 0.14, 0.68))),
            cut(Box::new(|p| disc(p, 0.5, -0.5, 0.60))),
            fill(RED, Box::new(|p| disc(p, 0.5, -0.5, 0.48))),
            fill(WHITE, Box::new(|p| arrow(p, 0.5, -0.5))),
        ],
        TrayIcon::Error => vec![
            fill(RED, Box::new(octagon)),
            fill(WHITE, Box::new(|p| handset(p, 0.0, 0.0, 0.74))),
            cut_into(RED, 0.22),
            fill(WHITE, Box::new(|p| slash(p, 0.095))),
        ],
    }
}

/// A band in the ground's colour that frees the slash from the handset.
fn cut_into(ground: [u8; 3], half: f32) -> Layer {
    Layer { shape: Box::new(move |p| slash(p, half)), paint: Some(ground) }
}

fn length(x: f32, y: f32) -> f32 {
    x.hypot(y)
}

fn disc(p: Point, x: f32, y: f32, radius: f32) -> f32 {
    length(p.x - x, p.y - y) - radius
}

fn box_at(x: f32, y: f32, half_width: f32, half_height: f32, round: f32) -> f32 {
    let (dx, dy) = (x.abs() - half_width + round, y.abs() - half_height + round);
    length(dx.max(0.0), dy.max(0.0)) + dx.max(dy).min(0.0) - round
}

fn rounded_box(p: Point, half: f32, round: f32) -> f32 {
    box_at(p.x, p.y, half, half, round)
}

fn octagon(p: Point) -> f32 {
    let (x, y) = (p.x.abs(), p.y.abs());
    x.max(y).max((x + y) * std::f32::consts::FRAC_1_SQRT_2) - 0.95
}

/// A segment from `a` to `b` with round ends.
fn capsule(p: Point, a: (f32, f32), b: (f32, f32), half: f32) -> f32 {
    let (px, py, dx, dy) = (p.x - a.0, p.y - a.1, b.0 - a.0, b.1 - a.1);
    let along = ((px * dx + py * dy) / (dx * dx + dy * dy)).clamp(0.0, 1.0);
    length(px - dx * along, py - dy * along) - half
}

fn slash(p: Point, half: f32) -> f32 {
    capsule(p, (0.58, -0.58), (-0.58, 0.58), half)
}

/// The arrow of a call that came in and was not taken: down to the left.
fn arrow(p: Point, x: f32, y: f32) -> f32 {
    let at = |dx: f32, dy: f32| (x + dx, y + dy);
    let shaft = capsule(p, at(0.19, -0.19), at(-0.17, 0.17), 0.07);
    let left = capsule(p, at(-0.19, 0.19), at(-0.19, -0.08), 0.07);
    let right = capsule(p, at(-0.19, 0.19), at(0.08, 0.19), 0.07);
    shaft.min(left).min(right)
}

/// A quarter of a ring around the handset's ear.
fn wave(p: Point, radius: f32, half: f32) -> f32 {
    let (x, y) = (p.x + 0.02, p.y - 0.02);
    let ring = (length(x, y) - radius).abs() - half;
    // 62 degrees of it, towards the upper right.
    let off = (y.atan2(x) + std::f32::consts::FRAC_PI_4).abs() - 0.54;
    ring.max(off * radius)
}

fn dashed_ring(p: Point) -> f32 {
    let ring = (length(p.x, p.y) - 0.86).abs() - 0.12;
    let sixth = std::f32::consts::TAU / 8.0;
    let within = p.y.atan2(p.x).rem_euclid(sixth) - sixth / 2.0;
    ring.max((within.abs() - sixth * 0.30) * 0.86)
}

/// A disc with a tail at the lower left.
fn bubble(p: Point) -> f32 {
    let tail = {
        let a = capsule(p, (-0.52, 0.40), (-0.80, 0.88), 0.08);
        let b = capsule(p, (-0.10, 0.60), (-0.80, 0.88), 0.08);
        let c = capsule(p, (-0.38, 0.52), (-0.66, 0.76), 0.14);
        a.min(b).min(c)
    };
    let body = {
        // An ellipse, by scaling: near enough to a distance for edges one pixel wide.
        let (x, y) = (p.x / 0.98, (p.y + 0.14) / 0.83);
        (length(x, y) - 1.0) * 0.83
    };
    body.min(tail)
}

/// The receiver of a telephone, its ear at the upper left and its mouth at the lower right.
fn handset(p: Point, x: f32, y: f32, scale: f32) -> f32 {
    // Into the glyph's own frame: lying like a bow, both pieces pointing down, then turned by 135 degrees.
    let (px, py) = ((p.x - x) / scale, (p.y - y) / scale);
    let turn = std::f32::consts::FRAC_1_SQRT_2;
    let (gx, gy) = ((px + py) * -turn, (px - py) * turn + 0.30);
    let bow = {
        let from_center = length(gx, gy - 0.72);
        let angle = gx.abs().atan2(0.72 - gy);
        ((from_center - 0.93).abs() - 0.165).max((angle - 0.80) * 0.93)
    };
    let piece = {
        let (dx, dy) = (gx.abs() - 0.64, gy - 0.19);
        // Leaning outward a little, as the pieces do.
        let (sin, cos) = (-0.62f32).sin_cos();
        let (rx, ry) = (dx * cos - dy * sin, dx * sin + dy * cos);
        box_at(rx, ry, 0.235, 0.30, 0.12)
    };
    bow.min(piece) * scale
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [TrayIcon; 6] = [
        TrayIcon::Connecting,
        TrayIcon::Ready,
        TrayIcon::Ringing,
        TrayIcon::InCall,
        TrayIcon::Missed,
        TrayIcon::Error,
    ];

    /// Pixels whose outline (opaque or not) differs between two pictures.
    fn outline_difference(a: &Picture, b: &Picture) -> usize {
        let solid = |picture: &Picture| picture.rgba.chunks(4).map(|p| p[3] > 127).collect::<Vec<_>>();
        solid(a).iter().zip(solid(b)).filter(|(a, b)| **a != *b).count()
    }

    #[test]
    fn every_state_has_a_colour_and_an_outline_of_its_own() {
        for size in [22, 32, 48] {
            let pictures = ALL.map(|icon| draw(icon, size));
            for (i, a) in pictures.iter().enumerate() {
                assert_eq!(a.rgba.len(), (size * size * 4) as usize);
                for b in &pictures[i + 1..] {
                    let differing = outline_difference(a, b);
                    assert!(differing >= (size * size / 60) as usize, "{size}: only {differing} pixels");
                }
            }
        }
    }

    #[test]
    fn pictures_are_filled_and_their_edges_are_smooth() {
        for icon in ALL {
            let picture = draw(icon, 32);
            let alphas = || picture.rgba.chunks(4).map(|p| p[3]);
            assert!(alphas().filter(|a| *a == 255).count() > 150, "{icon:?}");
            assert!(alphas().any(|a| (1..255).contains(&a)), "{icon:?}");
            assert_eq!(picture.rgba[3], 0, "{icon:?}: the corner is free");
        }
    }
}
