//! What stands at the top of a service file, besides services.

use crate::model::node::env::{EnvFileNode, EnvNode};
use crate::model::node::value::Mode;
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

    /// How svc can be reached.
    ControlNode: layered {
        /// The socket svc is asked on.
        child socket "socket": SocketNode = "" => Live;
    }

    /// The socket of the project.
    SocketNode {
        /// Its file mode, in quotes; no other than the default is supported yet.
        prop mode "mode": Mode = "0600";
    }
}
