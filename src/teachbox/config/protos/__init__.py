"""Messages made from the .proto files beside them; `make protos` makes them anew."""
