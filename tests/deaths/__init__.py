# SPDX-License-Identifier: Apache-2.0
"""The table of planted deaths, and whether what nodewake tells of each is right."""
