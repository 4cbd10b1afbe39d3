"""Questions that providers ask applicants (申请附加问题): building forms, answering them, reading the answers."""
