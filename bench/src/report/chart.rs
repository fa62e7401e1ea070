//! The chart: for each workload, the throughput of every contestant relative to the ceiling.

use anyhow::Result;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::{Results, Row};
use crate::contestant::{Contestant, Role};
use crate::measurements::THROUGHPUT;

const WIDTH: u32 = 860;
const LINE_HEIGHT: u32 = 20;
const MARGIN: u32 = 12;
const NAMES_WIDTH: u32 = 130;
const AXIS_HEIGHT: u32 = 44;

/// The right end of the axis. The space beyond the longest bar is for its label.
const MAX_RATIO: f64 = 1.5;

/// Longer bars are cut here.
const LONGEST_BAR: f64 = 1.25;

/// The part of a line that a bar fills.
const BAR_THICKNESS: f64 = 0.75;

/// The space between a bar and its texts, in pixels.
const GAP: i32 = 6;

const FONT: (&str, u32) = ("sans-serif", 15);

const CEILING_COLOR: RGBColor = RGBColor(0x64, 0x74, 0x8b);
const CLIENT_COLOR: RGBColor = RGBColor(0xcb, 0xd5, 0xe1);
const COMPONENT_COLORS: [RGBColor; 3] =
    [RGBColor(0xc2, 0x41, 0x0c), RGBColor(0xf5, 0x9e, 0x0b), RGBColor(0x7c, 0x3a, 0xed)];
const GRID_COLOR: RGBColor = RGBColor(0xe2, 0xe8, 0xf0);

/// The chart as an SVG document.
pub(super) fn chart(results: &Results, contestants: &[Contestant]) -> Result<String> {
    let lines = lines(results, contestants);
    let height = LINE_HEIGHT * u32::try_from(lines.len())? + AXIS_HEIGHT + 2 * MARGIN;
    let mut svg = String::new();
    draw(&SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area(), &lines)?;
    Ok(svg)
}

/// A line of the chart, from top to bottom.
enum Line {
    Title(String),
    Bar { name: String, color: RGBColor, ratio: f64, label: String },
    Space,
}

fn lines(results: &Results, contestants: &[Contestant]) -> Vec<Line> {
    let rows = results.rows().into_iter().filter(|row| row.metric.group == THROUGHPUT);
    rows.flat_map(|row| {
        let title = Line::Title(format!("{} (messages per second)", row.metric.name));
        let bars = contestants.iter().filter_map(|contestant| bar(row, contestant, contestants));
        [title].into_iter().chain(bars).chain([Line::Space]).collect::<Vec<_>>()
    })
    .collect()
}

fn bar(row: &Row, contestant: &Contestant, all: &[Contestant]) -> Option<Line> {
    let (median, ratio) = (row.median(&contestant.name)?, row.ratio(&contestant.name)?);
    let label = format!("{} (×{ratio:.2})", row.metric.unit.format(median));
    Some(Line::Bar { name: contestant.name.clone(), color: color(contestant, all), ratio, label })
}

fn color(contestant: &Contestant, all: &[Contestant]) -> RGBColor {
    match contestant.role {
        Role::Ceiling => CEILING_COLOR,
        Role::Client => CLIENT_COLOR,
        Role::Component => {
            let mut components = all.iter().filter(|other| other.is_component());
            let index = components.position(|other| other.name == contestant.name).unwrap_or(0);
            COMPONENT_COLORS[index % COMPONENT_COLORS.len()]
        }
    }
}

fn draw(canvas: &DrawingArea<SVGBackend<'_>, Shift>, lines: &[Line]) -> Result<()> {
    canvas.fill(&WHITE)?;
    let top = f64::from(u32::try_from(lines.len())?);
    let mut chart = ChartBuilder::on(canvas)
        .margin(MARGIN)
        .y_label_area_size(NAMES_WIDTH)
        .x_label_area_size(AXIS_HEIGHT)
        .build_cartesian_2d(0.0..MAX_RATIO, 0.0..top.max(1.0))?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .disable_y_axis()
        .y_labels(0)
        .bold_line_style(GRID_COLOR)
        .light_line_style(TRANSPARENT)
        .x_label_formatter(&|ratio| format!("{ratio:.1}"))
        .x_desc("throughput relative to the ceiling")
        .label_style(FONT)
        .axis_desc_style(FONT)
        .draw()?;

    let area = chart.plotting_area();
    area.draw(&PathElement::new([(1.0, 0.0), (1.0, top)], CEILING_COLOR))?;
    let font = FONT.into_font().color(&BLACK);
    // A text at a horizontal distance, in pixels, from a point.
    let text_beside = |point: (f64, f64), offset: i32, anchor: HPos, text: &str| {
        EmptyElement::at(point) + Text::new(text.to_owned(), (offset, 0), font.pos(Pos::new(anchor, VPos::Center)))
    };
    let mut center = top - 0.5;
    for line in lines {
        match line {
            Line::Title(text) => {
                let bold =
                    FONT.into_font().style(FontStyle::Bold).color(&BLACK).pos(Pos::new(HPos::Left, VPos::Center));
                area.draw(&Text::new(text.as_str(), (0.0, center), bold))?;
            }
            Line::Bar { name, color, ratio, label } => {
                let end = ratio.min(LONGEST_BAR);
                let (low, high) = (center - BAR_THICKNESS / 2.0, center + BAR_THICKNESS / 2.0);
                area.draw(&Rectangle::new([(0.0, low), (end, high)], color.filled()))?;
                area.draw(&text_beside((0.0, center), -GAP, HPos::Right, name))?;
                area.draw(&text_beside((end, center), GAP, HPos::Left, label))?;
            }
            Line::Space => {}
        }
        center -= 1.0;
    }
    Ok(canvas.present()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Metric, Unit};

    fn contestants() -> [Contestant; 3] {
        let component = |name| Contestant::for_test(name, Role::Component, false);
        [Contestant::for_test("raw", Role::Ceiling, false), component("old"), component("new")]
    }

    #[test]
    fn components_have_different_colors() {
        let contestants = contestants();
        assert_ne!(color(&contestants[1], &contestants), color(&contestants[2], &contestants));
    }

    #[test]
    fn bars_are_labelled_with_rate_and_ratio() {
        let mut results = Results::default();
        for (name, rate) in [("raw", 2000.0), ("old", 1000.0)] {
            results.record(Metric::new(THROUGHPUT, "100 B", Unit::Rate), name, 0, rate);
        }
        let svg = chart(&results, &contestants()).unwrap();
        assert!(svg.contains("1 000 (×0.50)") && !svg.contains("new"), "{svg}");
    }

    #[test]
    fn a_chart_without_throughput_is_valid() {
        let svg = chart(&Results::default(), &contestants()).unwrap();
        assert!(svg.ends_with("</svg>\n"), "{svg}");
    }
}
