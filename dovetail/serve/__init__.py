"""The workbench's server: sessions, clusters, models and the verbs over HTTP. It learns nothing itself."""
