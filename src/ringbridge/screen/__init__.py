"""What `ringbridge up` shows: its steps as they are done, then the calls as they are talked."""
