//! What may stand in `service`, `task`, `template` and `defaults`.

use std::time::Duration;

use crate::base::{Name, Signal};
use crate::model::node::change::{ReloadNode, WatchNode};
use crate::model::node::command::{CommandNode, ShellText};
use crate::model::node::dependency::{DependsOn, NamesNode};
use crate::model::node::env::{EnvFileNode, EnvNode};
use crate::model::node::label::LabelNode;
use crate::model::node::limits::LimitsNode;
use crate::model::node::listen::ListenNode;
use crate::model::node::listener::EventListenerNode;
use crate::model::node::logs::LogsNode;
use crate::model::node::port::PortNode;
use crate::model::node::probe::ProbeNode;
use crate::model::node::process::{ForksNode, Nice, ReplicasNode};
use crate::model::node::schedule::{EveryNode, ScheduleNode};
use crate::model::node::value::{ExitCode, Mode};
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
        /// The profiles it belongs to; while none of them is active, `svc up` does not start it unless it is named or something depends on it.
        child profile "profile": NamesNode = "" => Live;
        /// The program and its arguments, or both as one text; no shell is involved.
        child command "command": CommandNode = "" => Restart;
        /// A text for `/bin/sh -c`, instead of `command`; svc replaces no variables in it.
        child shell "shell": One<ShellText> = "" => Restart;
        /// Where it runs; relative to this file.
        child working_dir "working-dir": One<FilePath> = "the folder of this file" => Restart;
        /// Whom it runs as: a name, or a number in quotes. `HOME`, `LOGNAME`, `SHELL` and `USER` follow it.
        child user "user": Box<UserNode> = "svc's own" => Restart;
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
        child readiness "readiness": Box<ProbeNode> = "ready as soon as it is started" => Live;
        /// How it is found to be alive.
        child liveness "liveness": Box<ProbeNode> = "" => Live;
        /// How a slow start is found to be over; holds `liveness` back.
        child startup "startup": Box<ProbeNode> = "" => Live;
        /// When it is started again.
        child restart "restart": RestartNode = "" => Live;
        /// How long it waits before that.
        child backoff "backoff": Box<BackoffNode> = "" => Live;
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
        child replicas "replicas": ReplicasNode = "one, without a number in its name" => Live;
        /// Where its output goes.
        child logs "logs": Box<LogsNode> = "" => Restart;
        /// Sockets that svc opens and passes to it.
        many listen "listen": ListenNode = "" => Restart;
        /// What its processes may use.
        child limits "limits": Box<LimitsNode> = "svc's own limits" => Restart;
        /// Its priority for the processor, from -20, the first, to 19, the last.
        child nice "nice": One<Nice> = "svc's own" => Restart;
        /// It has the terminal of `svc up`: stdin, stdout and stderr.
        child tty "tty": One<bool> = "#false" => Restart;
        /// It puts itself into the background.
        child forks "forks": Box<ForksNode> = "" => Restart;
        /// How long it may be silent: it says `WATCHDOG=1` by sd_notify(3) more often than that, or is restarted.
        child watchdog "watchdog": One<Duration> = "no limit" => Restart;
        /// How it is told to read its configuration again.
        child reload "reload": Box<ReloadNode> = "" => Live;
        /// Files whose change restarts it.
        child watch "watch": Box<WatchNode> = "" => Live;
        /// When a task runs by itself, by the calendar.
        child schedule "schedule": Box<ScheduleNode> = "" => Live;
        /// How often a task runs by itself.
        child every "every": Box<EveryNode> = "" => Live;
        /// What happens is told to it, by the protocol of supervisord's event listeners.
        child event_listener "event-listener": Box<EventListenerNode> = "" => Restart;
        /// What people sort their services by.
        many label "label": LabelNode = "" => Live;
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
}
