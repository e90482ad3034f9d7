"""The console's frame: who asks, whose form it is, layout, components, styles.

A service adds its pages with a package `console/` (see `common.console.pages`); the proxy's signs
staff in and checks sessions for all.
"""
