//! What may stand in `service`, `task`, `template` and `defaults`.

use std::time::Duration;

use crate::base::{Name, Signal, Size};
use crate::model::node::command::{CommandNode, ShellText};
use crate::model::node::dependency::{DependsOn, NamesNode};
use crate::model::node::env::{EnvFileNode, EnvNode};
use crate::model::node::port::PortNode;
use crate::model::node::probe::ProbeNode;
use crate::model::node::value::{Count, ExitCode, Mode, Output};
use crate::model::policy::{Consequence, RestartWhen};
use crate::model::service::FilePath;
use crate::schema::{One, nodes};

nodes! {
    /// A service, which should keep running, or a task, which should end; in a `template`, what those have that extend it; in `defaults`, what holds for all of them.
    Settings: layered {
        /// The name others use; letters, digits, `_` and `-`.
        arg name "name": Name = "";
        /// The template it is laid over: what it does not say itself, it has from there.
        prop extends "extends": Name = "";
        /// What a person should know about it.
        child description "description": One<String> = "" => Live;
        /// Not started by `svc up` unless it is named or something depends on it.
        child disabled "disabled": One<bool> = "#false" => Live;
        /// The program and its arguments, or both as one text; no shell is involved.
        child command "command": CommandNode = "" => Restart;
        /// A text for `/bin/sh -c`, instead of `command`; svc replaces no variables in it.
        child shell "shell": One<ShellText> = "" => Restart;
        /// Where it runs; relative to this file.
        child working_dir "working-dir": One<FilePath> = "the folder of this file" => Restart;
        /// Whom it runs as: a name, or a number in quotes.
        child user "user": UserNode = "svc's own" => Restart;
        /// Its file mode creation mask: octal digits in quotes.
        child umask "umask": One<Mode> = "svc's own" => Restart;
        /// Variables; `#null` unsets one.
        many env "env": EnvNode = "" => Restart;
        /// Files with variables.
        many env_file "env-file": EnvFileNode = "" => Restart;
        /// What has to be up before this starts.
        many depends_on "depends-on": DependsOn = "" => Live;
        /// What is started before this, if it is started.
        many after "after": NamesNode = "" => Live;
        /// What is started after this, if it is started.
        many before "before": NamesNode = "" => Live;
        /// How it becomes ready.
        child readiness "readiness": ProbeNode = "ready as soon as it is started" => NextStart;
        /// How it is found to be alive.
        child liveness "liveness": ProbeNode = "" => Live;
        /// How a slow start is found to be over; holds `liveness` back.
        child startup "startup": ProbeNode = "" => NextStart;
        /// When it is started again.
        child restart "restart": RestartNode = "" => Live;
        /// How long it waits before that.
        child backoff "backoff": BackoffNode = "" => Live;
        /// How it is stopped.
        child stop "stop": StopNode = "" => Live;
        /// What its end means for the project, once no restart follows.
        child on_exit "on-exit": OnExitNode = "" => Live;
        /// Exit codes that are a success.
        child success_codes "success-codes": CodesNode = "0" => Live;
        /// How long it may take from launch to ready.
        child start_timeout "start-timeout": One<Duration> = "60s" => NextStart;
        /// How long a task may run in all.
        child timeout "timeout": One<Duration> = "no limit" => NextStart;
        /// What it listens on.
        many port "port": PortNode = "" => Restart;
        /// How many instances there are: `api.0`, `api.1`, …
        child replicas "replicas": One<Count> = "one, without a number in its name" => Live;
        /// Where its output goes.
        child logs "logs": LogsNode = "" => Restart;
    }

    /// Whom a process runs as.
    UserNode {
        /// The user.
        arg user "user": String = "";
        /// The group.
        prop group "group": String = "the user's own";
        /// Supplementary groups, separated by blanks.
        prop groups "groups": String = "those the user is in";
    }

    /// When a process that ended is started again.
    RestartNode {
        /// The policy; `on-failure` for a service, `never` for a task.
        arg when "when": RestartWhen = "";
        /// How many automatic restarts are allowed in the window; past it, it has failed.
        prop max "max": u32 = "no limit";
        /// The time `max` counts in.
        prop window "window": Duration = "10m";
    }

    /// The delay before an automatic restart; it grows with each one.
    BackoffNode {
        /// The delay before the first.
        arg first "first": Duration = "500ms";
        /// What each further delay is multiplied with.
        prop factor "factor": f64 = "2";
        /// The longest delay.
        prop limit "limit": Duration = "30s";
        /// How long it has to be ready for the delays to start anew.
        prop reset "reset": Duration = "the limit";
        /// The share by which a delay varies at random.
        prop jitter "jitter": f64 = "0.1";
    }

    /// How a process is stopped.
    StopNode {
        /// The signal that asks it to end.
        prop signal "signal": Signal = "SIGTERM";
        /// How long it has to end before SIGKILL.
        prop grace "grace": Duration = "10s";
        /// Whether the signal goes to its whole process group.
        prop group "group": bool = "#true";
        /// What runs before the signal.
        child command "command": CommandNode = "";
    }

    /// What an end means for the project.
    OnExitNode {
        /// After a success.
        prop success "success": Consequence = "ignore";
        /// After a failure.
        prop failure "failure": Consequence = "ignore";
    }

    /// Exit codes.
    CodesNode {
        /// The codes, 0 to 255.
        args codes "codes": ExitCode = "";
    }

    /// Where the output goes.
    LogsNode {
        /// A path, `none` or `inherit`.
        arg output "output": Output = "a file under the state directory";
        /// The size at which a file is rotated; `"0B"` for never.
        prop max_size "max-size": Size = "10M" => Live;
        /// How many rotated files are kept.
        prop keep "keep": u32 = "5" => Live;
    }
}
