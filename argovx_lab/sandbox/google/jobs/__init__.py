"""Custom jobs: what the service accepts, their states, and the real processes behind them."""
