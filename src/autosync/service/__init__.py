"""What API, console and command line may ask: answers from the state and the store, wishes to the single writer."""
