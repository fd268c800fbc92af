INTRODUCTION = ["x"]
def why(m): return ("open", False)
