//! Contrast of the sheet's colours, by the formula of WCAG 2.2 ("relative luminance", "contrast ratio").

use std::collections::BTreeMap;

use super::STYLE;

/// Success criterion 1.4.3, level AA, for text of a normal size.
const TEXT: f64 = 4.5;
/// Success criterion 1.4.11, level AA, for what is seen and not read.
const GRAPHIC: f64 = 3.0;

type Palette = BTreeMap<&'static str, [f64; 3]>;

/// The colours of the light sheet, and those with what the dark one overrides.
fn palettes() -> [Palette; 2] {
    let mut blocks = STYLE.split(":root {").skip(1).map(|rest| {
        let (block, _) = rest.split_once('}').unwrap();
        block
    });
    let light = palette(blocks.next().unwrap());
    let mut dark = light.clone();
    dark.extend(palette(blocks.next().unwrap()));
    [light, dark]
}

fn palette(block: &'static str) -> Palette {
    let declared = block
        .split(';')
        .filter_map(|part| part.trim().split_once(": #"));
    let opaque = declared.filter(|(_, hex)| hex.len() == 6);
    opaque
        .map(|(name, hex)| (name.trim_start_matches("--"), channels(hex)))
        .collect()
}

fn channels(hex: &str) -> [f64; 3] {
    [0, 2, 4].map(|at| f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap()) / 255.0)
}

fn luminance(colour: [f64; 3]) -> f64 {
    let linear = colour.map(|c| {
        if c <= 0.04045 {
            c / 12.92
        } else {
            ((c + 0.055) / 1.055).powf(2.4)
        }
    });
    let weighted = linear.iter().zip([0.2126, 0.7152, 0.0722]);
    weighted.map(|(c, weight)| c * weight).sum()
}

fn ratio(palette: &Palette, one: &str, other: &str) -> f64 {
    let [a, b] = [one, other].map(|name| luminance(palette[name]) + 0.05);
    a.max(b) / a.min(b)
}

fn too_weak(pairs: &[(&str, &str)], least: f64) -> Vec<String> {
    let mut weak = Vec::new();
    for (palette, sheet) in palettes().iter().zip(["light", "dark"]) {
        for (front, back) in pairs {
            let ratio = ratio(palette, front, back);
            if ratio < least {
                weak.push(format!("{sheet}: {front} on {back} is {ratio:.2}"));
            }
        }
    }
    weak
}

#[test]
fn black_on_white_is_twenty_one() {
    let palette = palette("--black: #000000; --white: #ffffff");
    assert!((ratio(&palette, "black", "white") - 21.0).abs() < 1e-9);
}

#[test]
fn every_text_can_be_read_in_both_sheets() {
    let on_surfaces = ["ink", "quiet", "link"]
        .into_iter()
        .flat_map(|front| ["page", "card", "code"].map(|back| (front, back)));
    let badges = [
        ("critical", "critical-bg"),
        ("warning", "warning-bg"),
        ("info", "info-bg"),
        ("ok", "ok-bg"),
        ("ink", "plain-bg"),
        ("critical", "card"),
    ];
    let pairs: Vec<_> = on_surfaces.chain(badges).collect();
    assert_eq!(too_weak(&pairs, TEXT), Vec::<String>::new());
}

#[test]
fn every_colour_of_a_chart_stands_out_in_both_sheets() {
    let fills = [
        "c0", "c1", "c2", "c3", "c4", "c5", "c6", "rest", "critical", "warning", "info", "ok",
    ];
    let pairs = fills.map(|front| (front, "card"));
    assert_eq!(too_weak(&pairs, GRAPHIC), Vec::<String>::new());
}
