//! What a shell is told: completions by pressing Tab, and the manual pages.

use crate::support::project::{SVC, TempProject, finish};

/// What bash offers for a line whose last word is being typed.
fn offered(project: &TempProject, words: &[&str]) -> Vec<String> {
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let folder = std::path::Path::new(SVC).parent().expect("a file lies in a folder").display();
    let script = format!(
        "PATH=\"{folder}:$PATH\"; source <(svc completions bash); COMP_WORDS=({}); COMP_CWORD={}; COMP_TYPE=9; \
         _clap_complete_svc svc '{}' x; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        quoted.join(" "),
        words.len() - 1,
        words[words.len() - 1],
    );
    let done = finish(project.program("bash").args(["-c", &script]).spawn().expect("bash is there")).code(0);
    done.out.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
}

#[test]
fn bash_completes_verbs_flags_values_and_names() {
    let project = TempProject::new(
        "service \"web\" { command \"sleep\" \"1000\" }\nservice \"worker\" { command \"sleep\" \"1000\"; replicas 2 }\n",
    );
    project.write("other.kdl", "service \"theirs\" { command \"sleep\" \"1000\" }\n");
    assert_eq!(offered(&project, &["svc", "resta"]), ["restart"]);
    assert_eq!(offered(&project, &["svc", "stop", "w"]), ["web", "worker", "worker.0", "worker.1"]);
    assert_eq!(offered(&project, &["svc", "stop", "web", "wo"]), ["worker", "worker.0", "worker.1"]);
    assert_eq!(offered(&project, &["svc", "-f", "other.kdl", "why", "t"]), ["theirs"]);
    assert_eq!(offered(&project, &["svc", "logs", "--foll"]), ["--follow"]);
    assert_eq!(offered(&project, &["svc", "ps", "-o", "j"]), ["json"]);
    project.ok(&["run", "-d", "--name", "wild", "sleep", "1000"]);
    assert!(offered(&project, &["svc", "logs", "wi"]).contains(&"wild".to_owned()));
    project.ok(&["down", "wild"]);
    // A file with mistakes completes verbs all the same.
    project.write("services.kdl", "service {");
    assert_eq!(offered(&project, &["svc", "resta"]), ["restart"]);
    assert!(offered(&project, &["svc", "stop", "w"]).is_empty());
    for shell in ["zsh", "fish", "elvish"] {
        assert!(project.ok(&["completions", shell]).contains("SVC_COMPLETE"), "{shell}");
    }
}

#[test]
fn manual_pages_are_printed_and_written() {
    let project = TempProject::new("");
    let page = project.ok(&["man", "up"]);
    assert!(page.contains(".TH svc-up 1") && page.contains(".SH OPTIONS"), "{page}");
    project.ok(&["man", "--folder", "pages"]);
    assert_eq!(project.read("pages/svc-up.1"), page);
    assert!(project.read("pages/svc.1").contains(".TH svc 1"));
    assert!(project.svc(&["man", "upp"]).code(2).err.contains("no verb `upp`"));
}
