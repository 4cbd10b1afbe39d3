"""The responsibility list (责任清单): who must share, renew or review what, by when."""
