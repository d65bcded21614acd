# SPDX-License-Identifier: Apache-2.0
"""Hundreds of simulated nodes, each with the daemon's own store and sinks, at one real API server."""
