"""TensorBoard: instances, experiments, runs, time series, and scalar points."""
