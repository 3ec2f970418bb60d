"""The demo of each task: data that Regard makes, a config, and what to show of the model.  One module a task, of the task's name."""
