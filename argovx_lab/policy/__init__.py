"""Pure judgement: a bundle of rules and the facts of a step in, decisions out. No I/O."""
