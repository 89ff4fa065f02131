"""What the Synchronization Service writes, read tolerantly: every unknown word is kept, named and taken for the safe case."""
