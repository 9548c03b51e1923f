"""The admission webhook: redirects by the route table, looks for images, copies missing ones, and says why.

The stages of a request: `review` reads it and asks the table (`Admission`); `verdicts` says of what needs a look whether
the image may be swapped; `review` writes the answer. `swap_server` is the edge with HTTP and TLS.
"""
