//! Fuzz targets for everything that reads strangers' bytes, and the replay of their corpora.
