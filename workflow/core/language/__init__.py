"""English as people type it: text becomes what was asked, without knowing of any case."""
