//! `project`: what holds for the project as a whole.

use crate::base::Name;
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

    /// One name for several services, wherever services are named on the command line.
    GroupNode {
        /// The name.
        arg name "name": Name = "";
        /// The services in it.
        args members "members": Name = "";
    }
}
