//! `project`: what holds for the project as a whole.

use crate::model::node::env::{EnvFileNode, EnvNode};
use crate::schema::nodes;

nodes! {
    /// What holds for the project as a whole.
    ProjectNode: layered {
        /// The name people see.
        arg name "name": String = "the name of the folder" => Live;
        /// Variables of every service.
        many env "env": EnvNode = "" => Restart;
        /// Files with variables of every service.
        many env_file "env-file": EnvFileNode = "" => Restart;
    }
}
