"""How nodes become values, and values are written: kinds, readers and the dataclasses that drive them."""
