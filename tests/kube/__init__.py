# SPDX-License-Identifier: Apache-2.0
"""A fake Kubernetes API server for tests, and the agent's client from the shell (main.c)."""
