//! Input that means harm: nesting, comments that nest, long lines, every kind of truncation.

use super::read;

#[test]
fn a_hundred_thousand_braces_are_one_complaint_about_depth_and_one_about_the_end() {
    let (document, findings) = read(&"a {".repeat(100_000));
    let codes: Vec<_> = findings.iter().map(|f| f.code).collect();
    assert_eq!(codes, ["svc::too-deep", "svc::unclosed-block"]);
    assert_eq!(document.nodes().count(), 1);
}

#[test]
fn nested_commented_out_blocks_are_read_once() {
    let text = format!("{}{}", "a /-{".repeat(20_000), "}".repeat(20_000));
    let (document, findings) = read(&text);
    assert_eq!(findings.iter().map(|f| f.code).collect::<Vec<_>>(), ["svc::too-deep"]);
    assert_eq!(document.nodes().count(), 1);
}

#[test]
fn comments_of_any_size_and_depth_are_read() {
    let (document, findings) = read(&format!("/*{}*/ a", "* http://example.org/* */ /\n".repeat(5_000)));
    assert_eq!((document.nodes().count(), findings.len()), (1, 0));
    let nested = format!("{}{} a", "/*".repeat(50_000), "*/".repeat(50_000));
    assert_eq!(read(&nested).1.len(), 0);
    assert_eq!(read(&"/*/".repeat(50_000)).1.len(), 1);
}

#[test]
fn odd_ends_and_odd_quotes_are_complaints_and_no_crash() {
    for text in [
        "#\"\"\"\"\"\"#",
        "#",
        "\"",
        "\"\"\"",
        "a \"\"\"\n",
        "a #\"",
        "(",
        "(a",
        "a (",
        "a b=",
        "a b=(",
        "/-",
        "a /-",
        "\\",
        "=",
        "}",
        "{",
        "a\0b",
        "\u{feff}",
        "\u{feff}\u{feff}",
        "a\r\nb\rc",
        "a \"\\u{D800}\"",
        "a \"\\u{110000}\"",
        "a \"\\",
        "'",
        "a '",
        "-",
        "a \u{200e}",
        "\"\"\"\n\\",
        "a \"\"\"x\"\"\"\"",
        "*/",
        "/*",
        "a /*",
        "a\u{85}b",
        "\u{3000}a\u{2028}b",
    ] {
        read(text);
    }
}

#[test]
fn a_file_cut_off_anywhere_is_still_read() {
    let text = include_str!("habits.rs").split("r#\"").nth(1).expect("the sample file");
    let whole =
        format!("{text}\nx \"é\\n\" #\"raw\"# /* c */ \"\"\"\n  a\n  \"\"\" (t)k=(u)1.5e3 /-y {{ z; }}\n");
    for at in (0..=whole.len()).filter(|&at| whole.is_char_boundary(at)) {
        read(&whole[..at]);
    }
}

#[test]
fn a_long_line_of_mistakes_names_each_of_them() {
    let (_, findings) = read(&format!("a {}", "10s ".repeat(75_000)));
    assert_eq!(findings.len(), 75_000);
    let (_, findings) = read(&format!("a {}", "'x ".repeat(100_000)));
    assert_eq!(findings.len(), 0);
}
