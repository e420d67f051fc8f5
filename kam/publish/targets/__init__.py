"""Targets of a publication beside the published file: the close pack, Parquet, workbooks, databases. One that is down fails nothing."""

from kam.publish.targets.publications import TargetState, faults_of_targets, publish_to_targets, target_states

__all__ = ["TargetState", "faults_of_targets", "publish_to_targets", "target_states"]
