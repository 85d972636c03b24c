package fine

allow { input.method == "GET" }
