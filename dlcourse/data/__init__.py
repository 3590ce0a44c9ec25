"""Small seeded problems and bundled data sets. Import the module that you need: this one loads nothing."""
