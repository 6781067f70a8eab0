//! Programs people work in: an editor, a terminal, a browser, each with text that a real pointer or real keys select.

use super::{Area, Child, Desktop, wait_for};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

/// A GTK editor (mousepad) with a file of its own.
pub struct Editor {
    file: PathBuf,
    area: Area,
    window: String,
    _program: Child,
}

impl Editor {
    /// Starts it on a file that holds `text` and gives it the keyboard.
    pub fn open(desktop: &Desktop, text: &str) -> Result<Self, String> {
        let file = desktop.folder().join("letter.txt");
        fs::write(&file, text).map_err(|error| error.to_string())?;
        let program = desktop.spawn("mousepad", &[&file.display().to_string()])?;
        let (area, window) = focused(desktop, "mousepad", "letter.txt")?;
        Ok(Self { file, area, window, _program: program })
    }

    /// Takes everything out, types this instead, and selects it all.
    pub fn select(&self, desktop: &Desktop, text: &str) -> Result<(), String> {
        desktop.click(self.area.at(0.5, 0.8), 1)?;
        desktop.run("xdotool", &["key", "ctrl+a", "Delete"])?;
        for (n, line) in text.lines().enumerate() {
            if n > 0 {
                desktop.key("Return")?;
            }
            desktop.type_text(line)?;
        }
        desktop.key("ctrl+a")
    }

    /// Selects all there is.
    pub fn select_all(&self, desktop: &Desktop) -> Result<(), String> {
        desktop.click(self.area.at(0.5, 0.8), 1)?;
        desktop.key("ctrl+a")
    }

    /// Saves, and waits until the file holds exactly this.
    pub fn holds(&self, desktop: &Desktop, text: &str) -> Result<(), String> {
        desktop.key("ctrl+s")?;
        let read = || fs::read_to_string(&self.file).unwrap_or_default();
        wait_for("the editor to have every character typed", || (read() == text).then_some(()))
            .map_err(|error| format!("{error}; it holds {:?}", read()))
    }

    /// Waits until it has the keyboard.
    pub fn has_the_keyboard(&self, desktop: &Desktop) -> Result<(), String> {
        wait_for("the keyboard to be the editor's", || (desktop.focus().ok()? == self.window).then_some(()))
    }
}

/// The click that gave it the keyboard and the one that begins a selection are two, however fast they come.
const NO_DOUBLE_CLICKS: &str = "XTerm*multiClickTime: 0";

/// F2 shows the oldest line, F3 the newest.
const SCROLLING: &str = "XTerm*VT100.translations: #override <Key>F2: scroll-back(100000,line)\\n<Key>F3: scroll-forw(100000,line)";

/// xterm, showing one text at a time.
pub struct Terminal {
    orders: PathBuf,
    area: Area,
    _program: Child,
}

impl Terminal {
    /// How many lines it has.
    const LINES: i32 = 6;

    /// Starts it.
    pub fn open(desktop: &Desktop) -> Result<Self, String> {
        let orders = desktop.folder().join("terminal");
        let shown = desktop.folder().join("terminal.txt");
        // Shows the file each time it is told to, and says that it has.
        let script = format!(
            "stty -echo; mkfifo {0}; while :; do read -r _ < {0} && printf '\\033[H\\033[2J\\033[3J' && cat {1} && mv {1} {1}.shown; done",
            orders.display(),
            shown.display()
        );
        let shape = format!("60x{}+100+200", Self::LINES);
        let program = desktop.spawn(
            "xterm",
            &[
                "-geometry",
                &shape,
                "+sb",
                "-sl",
                "50000",
                "-T",
                "terminal",
                "-xrm",
                NO_DOUBLE_CLICKS,
                "-xrm",
                SCROLLING,
                "-e",
                "sh",
                "-c",
                &script,
            ],
        )?;
        wait_for("the terminal's shell", || orders.exists().then_some(()))?;
        let (area, _) = focused(desktop, "xterm", "terminal")?;
        Ok(Self { orders, area, _program: program })
    }

    /// Shows this and draws the pointer over it.
    pub fn select(&self, desktop: &Desktop, text: &str) -> Result<(), String> {
        self.show(text)?;
        draw_over(desktop, self.area, self.area.height / Self::LINES, text)
    }

    /// Shows this and clicks on it once, which selects nothing.
    pub fn point_at(&self, desktop: &Desktop, text: &str) -> Result<(), String> {
        self.show(text)?;
        desktop.click((self.area.x + 40, self.area.y + self.area.height / Self::LINES / 2), 1)
    }

    /// Shows this and selects all of it, however far it goes back: a click at its beginning, and one with the other
    /// button at its end.
    pub fn select_all(&self, desktop: &Desktop, text: &str) -> Result<(), String> {
        self.show(text)?;
        let line = self.area.height / Self::LINES;
        let point = |x: i32, y: i32| [(self.area.x + x).to_string(), (self.area.y + y).to_string()];
        let [from_x, from_y] = point(1, line / 2);
        let [to_x, to_y] = point(self.area.width - 20, self.area.height - line / 2);
        let pause = ["sleep", "0.2"];
        let mut steps = vec!["mousemove", &from_x, &from_y, "key", "F2"];
        steps.extend(pause);
        steps.extend(["click", "1"]);
        steps.extend(pause);
        steps.extend(["mousemove", &to_x, &to_y, "key", "F3"]);
        steps.extend(pause);
        steps.extend(["click", "3"]);
        desktop.run("xdotool", &steps).map(drop)
    }

    fn show(&self, text: &str) -> Result<(), String> {
        let file = self.orders.with_extension("txt");
        let shown = self.orders.with_extension("txt.shown");
        fs::write(&file, text).map_err(|error| error.to_string())?;
        fs::write(&self.orders, "show\n").map_err(|error| error.to_string())?;
        wait_for("the terminal to show it", || shown.exists().then_some(()))?;
        fs::remove_file(&shown).map_err(|error| error.to_string())
    }
}

/// A browser (Chromium) with one page.
pub struct Browser {
    page: PathBuf,
    shown: u32,
    area: Area,
    _program: Child,
}

impl Browser {
    /// The height of a line on its page, pixels.
    const LINE: i32 = 24;

    /// Starts it.
    pub fn open(desktop: &Desktop) -> Result<Self, String> {
        let page = desktop.folder().join("page.html");
        write_page(&page, 0, "")?;
        let profile = format!("--user-data-dir={}", desktop.folder().join("browser").display());
        let app = format!("--app=file://{}", page.display());
        let mut arguments =
            vec![profile.as_str(), app.as_str(), "--window-size=700,300", "--window-position=100,200"];
        // It runs as whoever runs the tests, and says nothing to anybody.
        arguments.extend([
            "--no-sandbox",
            "--test-type",
            "--no-first-run",
            "--disable-gpu",
            "--password-store=basic",
        ]);
        arguments.extend(["--disable-background-networking", "--disable-component-update", "--disable-sync"]);
        arguments.extend(["--disable-extensions", "--no-default-browser-check", "--disable-dev-shm-usage"]);
        let program = desktop.spawn("chromium", &arguments)?;
        let (area, _) = focused(desktop, "chromium", "page 0")?;
        Ok(Self { page, shown: 0, area, _program: program })
    }

    /// Shows this on a new page and draws the pointer over it; what is too long for that is selected by key.
    pub fn select(&mut self, desktop: &Desktop, text: &str) -> Result<(), String> {
        self.show(desktop, text)?;
        if text.len() > 1000 {
            // It may still be reading it.
            return wait_for("the whole page to be selected", || {
                desktop.click(self.area.at(0.9, 0.9), 1).ok()?;
                desktop.run("xdotool", &["key", "ctrl+a", "sleep", "0.3"]).ok()?;
                (desktop.selected()?.len() >= text.trim_end().len()).then_some(())
            });
        }
        draw_over(desktop, self.area, Self::LINE, text)
    }

    /// Shows this on a new page and clicks on it once, which selects nothing.
    pub fn point_at(&mut self, desktop: &Desktop, text: &str) -> Result<(), String> {
        self.show(desktop, text)?;
        desktop.click((self.area.x + 40, self.area.y + Self::LINE / 2), 1)
    }

    fn show(&mut self, desktop: &Desktop, text: &str) -> Result<(), String> {
        self.shown += 1;
        write_page(&self.page, self.shown, text)?;
        let name = format!("page {}", self.shown);
        desktop.key("F5")?;
        wait_for("the page", || {
            let shown = desktop.run("xdotool", &["getwindowfocus", "getwindowname"]).ok()?;
            (shown.trim() == name).then_some(())
        })
    }
}

impl Desktop {
    /// What is selected, as any program may ask; nothing when nothing is.
    pub fn selected(&self) -> Option<String> {
        let mut command = self.command("timeout");
        command.args(["5", "xclip", "-selection", "primary", "-o"]).stderr(Stdio::null());
        let output = command.output().ok().filter(|output| output.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).into_owned()).filter(|text| !text.is_empty())
    }
}

/// Waits for a window of that class and name, gives it the keyboard, and tells its place and id.
fn focused(desktop: &Desktop, class: &str, name: &str) -> Result<(Area, String), String> {
    let area = wait_for(class, || desktop.windows(class).into_iter().find(|area| area.width > 100))?;
    let window = wait_for(&format!("{class} to have the keyboard"), || {
        desktop.click(area.at(0.5, 0.8), 1).ok()?;
        let window = desktop.focus().ok()?;
        desktop.run("xdotool", &["getwindowname", &window]).ok()?.contains(name).then_some(window)
    })?;
    // The window manager may have moved it meanwhile.
    let area = desktop.windows(class).into_iter().find(|area| area.width > 100).unwrap_or(area);
    Ok((area, window))
}

/// Draws the pressed pointer from before the first character to behind the last one.
fn draw_over(desktop: &Desktop, area: Area, line: i32, text: &str) -> Result<(), String> {
    let last = (text.lines().count().max(1) as i32 - 1) * line;
    let point = |x: i32, y: i32| [(area.x + x).to_string(), (area.y + y).to_string()];
    let [from_x, from_y] = point(1, line / 2);
    let [middle_x, middle_y] = point(area.width / 2, line / 2 + last);
    let [to_x, to_y] = point(area.width - 20, line / 2 + last);
    let pause = ["sleep", "0.05"];
    let mut steps = vec!["mousemove", &from_x, &from_y];
    steps.extend(pause);
    steps.extend(["mousedown", "1", "mousemove", &middle_x, &middle_y]);
    steps.extend(pause);
    steps.extend(["mousemove", &to_x, &to_y]);
    steps.extend(pause);
    steps.extend(["mouseup", "1"]);
    desktop.run("xdotool", &steps).map(drop)
}

fn write_page(page: &Path, number: u32, text: &str) -> Result<(), String> {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    let style = format!("body{{margin:0}}pre{{margin:0;font:16px/{}px monospace}}", Browser::LINE);
    let html = format!(
        "<!doctype html><meta charset=\"utf-8\"><title>page {number}</title><style>{style}</style><pre>{text}</pre>\n"
    );
    fs::write(page, html).map_err(|error| error.to_string())
}
