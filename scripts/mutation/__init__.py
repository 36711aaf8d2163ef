# SPDX-License-Identifier: Apache-2.0
"""Known mistakes, put back into the core one at a time, and the tests that notice them."""
