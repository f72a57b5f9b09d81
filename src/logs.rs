//! Output of services: the splice pump, the time index, rotation, reading and following.
