"""The review of rights (权限复核): everybody's effective rights, signed off every quarter."""
