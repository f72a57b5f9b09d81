//! What people write out of habit, and what they are told.

use super::read;

/// One line a finding: place, code, what is underlined, message, help, correction.
fn told(text: &str) -> String {
    let (_, findings) = read(text);
    let mut out = String::new();
    for finding in findings {
        let span = finding.span();
        let at = &text[span.lo as usize..span.hi as usize];
        out.push_str(&format!("{} `{at}`: {}", finding.code.trim_start_matches("svc::"), finding.message));
        if let Some(help) = &finding.help {
            out.push_str(&format!("; {help}"));
        }
        if let Some(fix) = &finding.fix {
            let mut mended = text.to_owned();
            mended.replace_range(fix.span.lo as usize..fix.span.hi as usize, &fix.with);
            out.push_str(&format!(" => {mended}"));
        }
        out.push('\n');
    }
    out
}

#[test]
fn habits_from_elsewhere_get_their_own_words() {
    let all: String = [
        "timeout 10s",
        "limits memory=512M",
        "critical true",
        "command ./api",
        "schedule */5 * * * *",
        "command: \"x\"",
        "service 'web'",
        "service api\n{\n}",
        "restart = \"always\"",
        "PORT=8080",
        "a ${HOME}/bin",
        "a r\"x\"",
        "a 0.0.0.0:80",
        "a [1 2]",
        "a max=",
        "a 1h30m",
        "a \"\"\"x\"\"\"",
        "a \"\\q\"",
        "a http://x/y",
        "a 'two words' b",
    ]
    .iter()
    .map(|text| told(text))
    .collect();
    insta::assert_snapshot!(all);
}

#[test]
fn eleven_mistakes_are_eleven_findings() {
    let text = r#"service "web" {
    restart 1x0
    limits max=
    critical true
    command "open string
    description "a\qb"
    timeout 10s
    depends-on [db
    after ]
    user = "app"
    port (t
}
service "db" {
    command "x"
"#;
    insta::assert_snapshot!(told(text));
}

#[test]
fn a_missing_brace_is_blamed_on_the_block_that_lacks_it() {
    let text = "service a {\n    health {\n        http \"x\"\n}\nservice b {\n    command \"y\"\n}\n";
    let (document, findings) = read(text);
    assert_eq!(document.nodes().count(), 2);
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(findings[0].span().lo as usize, text.find("{\n        http").expect("it is there"));
}

#[test]
fn a_top_level_node_closes_what_a_missing_brace_left_open() {
    let text = "service a {\n    command \"x\"\n\nservice b {\n    command \"y\"\n}\n";
    let (document, findings) = read(text);
    assert_eq!(document.nodes().map(|node| node.arguments().count()).collect::<Vec<_>>(), [1, 1]);
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(findings[0].span().lo, 10);
}

#[test]
fn a_brace_too_many_is_found_by_its_indentation() {
    let text = "service a {\n    x {\n    }\n    }\n    command \"y\"\n}\nservice b\n";
    let (document, findings) = read(text);
    assert_eq!(document.nodes().count(), 2);
    assert_eq!(findings.iter().map(|f| f.span().lo as usize).collect::<Vec<_>>(), [30]);
}

#[test]
fn a_tree_keeps_numbers_as_written_and_both_of_a_repeated_name() {
    let (document, findings) = read("env PYTHON=3.10 A=1 A=0x2");
    assert!(findings.is_empty());
    let node = document.nodes().next().expect("one node");
    let written: Vec<_> = node.properties().map(|(key, entry)| (key, entry.value())).collect();
    use svc::syntax::Value::Number;
    assert_eq!(written, [("PYTHON", Number("3.10")), ("A", Number("1")), ("A", Number("0x2"))]);
}
