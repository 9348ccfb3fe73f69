"""Cloud Monitoring: CPU and memory of jobs, and what programs write themselves."""
