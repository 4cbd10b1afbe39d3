"""Letters (文书) of requests, their confirmation and verification, and the whole file of a request for export."""
