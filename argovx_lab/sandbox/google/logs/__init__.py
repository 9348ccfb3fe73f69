"""Cloud Logging: what jobs and the platform wrote, what programs write, and the audit logs."""
