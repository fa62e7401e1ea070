//! The picture: for each throughput, how near everybody comes to the ceiling.

use std::fmt::{self, Write};

use super::{Results, Row, Unit};
use crate::contestant::{CEILING, COMPONENT};

const WIDTH: f64 = 860.0;
const MARGIN: f64 = 16.0;
const NAMES: f64 = 130.0;
const BAR: f64 = 14.0;
const GAP: f64 = 4.0;

/// The length of a bar as long as the ceiling.
const CEILING_BAR: f64 = 460.0;

/// A longer bar would leave the picture.
const LONGEST: f64 = 1.25;

/// An SVG of all rows that are rates.
pub(crate) fn picture(results: &Results, contestants: &[&str]) -> String {
    let rows: Vec<&Row> =
        results.rows().into_iter().filter(|row| row.unit == Unit::Rate && row.group == "throughput").collect();
    let mut picture = Picture { shapes: String::new(), y: MARGIN };
    for row in rows {
        picture.draw(row, contestants).expect("a string takes all that is written");
    }
    let height = picture.y + MARGIN;
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="12">
<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>
{}</svg>
"##,
        picture.shapes
    )
}

struct Picture {
    shapes: String,
    y: f64,
}

impl Picture {
    fn draw(&mut self, row: &Row, contestants: &[&str]) -> fmt::Result {
        let taking_part: Vec<&&str> = contestants.iter().filter(|name| row.median(name).is_some()).collect();
        self.y += BAR;
        writeln!(
            self.shapes,
            r#"<text x="{MARGIN}" y="{}" font-weight="bold">{}, messages a second</text>"#,
            self.y, row.name
        )?;
        self.y += GAP * 2.0;
        let top = self.y;
        for name in taking_part {
            self.draw_bar(row, name)?;
        }
        let x = MARGIN + NAMES + CEILING_BAR;
        let bottom = self.y;
        writeln!(
            self.shapes,
            r##"<line x1="{x}" x2="{x}" y1="{top}" y2="{bottom}" stroke="#888888" stroke-dasharray="3"/>"##
        )?;
        self.y += GAP * 2.0;
        Ok(())
    }

    fn draw_bar(&mut self, row: &Row, name: &str) -> fmt::Result {
        let (Some(median), Some(ratio)) = (row.median(name), row.ratio(name)) else { return Ok(()) };
        let color = match name {
            COMPONENT => "#c2410c",
            CEILING => "#64748b",
            _ => "#cbd5e1",
        };
        let (x, y, length) = (MARGIN + NAMES, self.y, ratio.min(LONGEST) * CEILING_BAR);
        let (behind, baseline) = (x + length + GAP, y + BAR - 3.0);
        let figure = format!("{} (×{ratio:.2})", row.unit.write(median));
        writeln!(self.shapes, r#"<text x="{MARGIN}" y="{baseline}">{name}</text>"#)?;
        writeln!(self.shapes, r#"<rect x="{x}" y="{y}" width="{length:.1}" height="{BAR}" fill="{color}"/>"#)?;
        writeln!(self.shapes, r#"<text x="{behind:.1}" y="{baseline}">{figure}</text>"#)?;
        self.y += BAR + GAP;
        Ok(())
    }
}
