//! `svc fmt` as a person and a script meet it: which files it touches, what it prints, how it ends.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::process::Stdio;

use crate::support::project::{Finished, TempProject, finish};

const UGLY: &str = "service   \"web\" {\r\n  command \"true\" // why\r\n\r\n\r\n    restart   never }";
const TIDY: &str = "service \"web\" {\n    command \"true\" // why\n\n    restart never\n}\n";

/// Gives a text to stdin.
fn piped(project: &TempProject, args: &[&str], text: &[u8]) -> Finished {
    let mut child = project.command(args).stdin(Stdio::piped()).spawn().expect("svc starts");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(text).expect("svc reads");
    drop(stdin);
    finish(child)
}

#[test]
fn the_service_file_and_all_it_includes_are_formatted() {
    let project = TempProject::new(&format!("include   \"more/*.kdl\"\n{UGLY}"));
    project.write("more/a.kdl", "service  \"a\" {command \"true\";}");
    project.write("more/b.kdl", "service \"b\" { command \"true\" }\n");
    project.write("other.kdl", UGLY);
    let finished = project.svc(&["fmt"]).code(0);
    assert_eq!((finished.out.as_str(), finished.err.as_str()), ("services.kdl\nmore/a.kdl\n", ""));
    assert_eq!(project.read("services.kdl"), format!("include \"more/*.kdl\"\n{TIDY}"));
    assert_eq!(project.read("more/a.kdl"), "service \"a\" { command \"true\" }\n");
    assert_eq!(project.read("other.kdl"), UGLY, "nobody includes it");
    assert_eq!(project.ok(&["fmt"]), "", "everything is formatted by now");
    project.write("services.override.kdl", "service  \"web\"");
    assert_eq!(project.ok(&["fmt"]), "services.override.kdl\n");
    assert_eq!(project.ok(&["-q", "fmt", "other.kdl"]), "");
    assert_eq!(project.read("other.kdl"), TIDY);
}

#[test]
fn check_writes_nothing_shows_what_would_change_and_fails() {
    let project = TempProject::new(UGLY);
    let finished = project.svc(&["fmt", "--check"]).code(1);
    insta::assert_snapshot!(finished.out.replace('\r', "^M"), @r#"
    --- services.kdl
    +++ services.kdl (formatted)
    @@ -1,5 +1,5 @@
    -service   "web" {^M
    -  command "true" // why^M
    -^M
    -^M
    -    restart   never }
    +service "web" {
    +    command "true" // why
    +
    +    restart never
    +}
    "#);
    assert_eq!(finished.err, "1 file is not formatted\n");
    assert_eq!(project.read("services.kdl"), UGLY);
    project.write("services.kdl", TIDY);
    let finished = project.svc(&["fmt", "--check"]).code(0);
    assert_eq!((finished.out.as_str(), finished.err.as_str()), ("", ""));
}

#[test]
fn a_file_with_mistakes_is_left_as_it_is_and_the_others_are_formatted() {
    let broken = "service  \"web\" {\n";
    let project = TempProject::new(broken);
    project.write("a.kdl", "a   1\n");
    let finished = project.svc(&["fmt", "services.kdl", "a.kdl"]).code(78);
    assert!(finished.err.contains("this `{` is never closed"), "{}", finished.err);
    assert_eq!(finished.out, "a.kdl\n");
    assert_eq!((project.read("services.kdl").as_str(), project.read("a.kdl").as_str()), (broken, "a 1\n"));
    // What is wrong in meaning only is not the layout's business.
    project.write("services.kdl", "servce   \"web\"");
    project.ok(&["fmt"]);
    assert_eq!(project.read("services.kdl"), "servce \"web\"\n");
}

#[test]
fn stdin_goes_to_stdout() {
    let project = TempProject::new(TIDY);
    assert_eq!(piped(&project, &["fmt", "-"], UGLY.as_bytes()).code(0).out, TIDY);
    assert_eq!(piped(&project, &["fmt", "-"], TIDY.as_bytes()).code(0).out, TIDY);
    assert_eq!(piped(&project, &["fmt", "-"], b"").code(0).out, "");
    let checked = piped(&project, &["fmt", "--check", "-"], UGLY.as_bytes()).code(1);
    assert!(checked.out.starts_with("--- stdin\n"), "{}", checked.out);
    let broken = piped(&project, &["fmt", "-"], b"a {").code(78);
    assert!(broken.out.is_empty() && broken.err.contains("never closed"), "{broken:?}");
    let bytes = piped(&project, &["fmt", "-"], b"a \xff").code(78);
    assert!(bytes.err.contains("byte 0xFF at offset 2"), "{}", bytes.err);
}

#[test]
fn the_mode_and_a_link_to_the_file_stay() {
    let project = TempProject::new("");
    project.write("real/a.kdl", UGLY);
    fs::set_permissions(project.path("real/a.kdl"), fs::Permissions::from_mode(0o640)).expect("set");
    symlink("real/a.kdl", project.path("link.kdl")).expect("linked");
    project.ok(&["fmt", "link.kdl", "real/a.kdl"]);
    assert!(fs::symlink_metadata(project.path("link.kdl")).expect("there").is_symlink());
    assert_eq!(project.read("real/a.kdl"), TIDY);
    assert_eq!(fs::metadata(project.path("real/a.kdl")).expect("there").mode() & 0o7777, 0o640);
    assert_eq!(fs::read_dir(project.path("real")).expect("readable").count(), 1, "nothing is left beside it");
}

#[test]
fn the_owner_stays() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let project = TempProject::new(UGLY);
    nix::unistd::chown(&project.path("services.kdl"), Some(4242.into()), Some(4243.into()))
        .expect("root may");
    project.ok(&["fmt"]);
    let metadata = fs::metadata(project.path("services.kdl")).expect("there");
    assert_eq!((metadata.uid(), metadata.gid()), (4242, 4243));
    assert_eq!(project.read("services.kdl"), TIDY);
}

#[test]
fn a_file_that_is_not_there_is_said() {
    let project = TempProject::new(TIDY);
    let finished = project.svc(&["fmt", "nothing.kdl"]).code(2);
    assert!(finished.err.contains("cannot read `nothing.kdl`"), "{}", finished.err);
    let finished = project.svc(&["fmt", "."]).code(78);
    assert!(finished.err.contains("it is a folder"), "{}", finished.err);
}
